"""The three networks in PyTorch, how they are sampled, and how a UNet takes up another text encoder."""
