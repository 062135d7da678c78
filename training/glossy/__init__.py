"""The third edition's world: Microsoft's Fluent Emoji in 3D, composed by our own renderer."""
