"""The renderer: a scene becomes a picture, one at a time or in bulk."""
