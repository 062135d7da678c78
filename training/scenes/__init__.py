"""What a scene is, how it is told in English and in numbers, and which ones a model is examined with."""
