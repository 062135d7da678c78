"""Small files to try LoRA, textual inversion and upscaling with the embedded model, made in its own world."""
