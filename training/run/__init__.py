"""What the stages stand on: presets and options, checkpoints, the clock, steps, ranks, progress."""
