"""Training of Darkroom's embedded model: renderer, captions, tokenizer, VAE, text encoder, UNet.

Nothing of this package is needed to install, run or test Darkroom. See README.md beside it.
"""
