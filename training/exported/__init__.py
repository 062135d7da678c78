"""The exported folder: its graphs, how their weights are stored, the preview's factors, and running it."""
