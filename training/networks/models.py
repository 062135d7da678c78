"""The three networks, in diffusers' and transformers' own classes: Stable Diffusion's graphs."""

from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel

from ..run.presets import Preset

TOKENS = 77
TIMESTEPS = 1000
LOG_VARIANCE_START = -5.0


def build_vae(preset: Preset) -> AutoencoderKL:
    levels = len(preset.vae_channels)
    vae = AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=preset.vae_channels,
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=preset.vae_groups,
        sample_size=preset.image_size,
        scaling_factor=1.0,
        mid_block_add_attention=False,
    )
    start_convolutions(vae)
    with torch.no_grad():
        # Begin almost deterministic, or noise drowns the signal before the decoder reads it.
        vae.quant_conv.weight[4:] = 0
        vae.quant_conv.bias[4:] = LOG_VARIANCE_START
    return vae


def build_unet(preset: Preset) -> UNet2DConditionModel:
    channels = preset.unet_channels
    deeper = len(channels) - 1
    unet = UNet2DConditionModel(
        sample_size=preset.latent_size,
        in_channels=4,
        out_channels=4,
        down_block_types=("DownBlock2D", *["CrossAttnDownBlock2D"] * deeper),
        up_block_types=(*["CrossAttnUpBlock2D"] * deeper, "UpBlock2D"),
        block_out_channels=channels,
        layers_per_block=preset.unet_layers,
        cross_attention_dim=preset.text_width,
        # diffusers reads this as the number of heads.
        attention_head_dim=[max(1, width // 32) for width in channels],
        norm_num_groups=preset.unet_groups,
    )
    start_convolutions(unet)
    with torch.no_grad():
        for name, module in unet.named_modules():
            if name.endswith(("to_out.0", "ff.net.2")):
                module.weight.mul_(0.1)
                module.bias.zero_()
        unet.conv_out.weight.zero_()
    return unet


def build_text_encoder(preset: Preset, vocabulary: int) -> CLIPTextModel:
    """The last two token ids are begin and end; the end token also pads."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=vocabulary,
            hidden_size=preset.text_width,
            intermediate_size=preset.text_width * 4,
            num_hidden_layers=preset.text_layers,
            num_attention_heads=preset.text_width // 32,
            max_position_embeddings=TOKENS,
            hidden_act="quick_gelu",
            projection_dim=preset.text_width,
            bos_token_id=vocabulary - 2,
            eos_token_id=vocabulary - 1,
            pad_token_id=vocabulary - 1,
        )
    )


def start_convolutions(model: nn.Module) -> None:
    """Variance-preserving skips, quiet residual branches.

    With the library's own start the VAE stalled at 15 dB.
    """
    with torch.no_grad():
        for name, module in model.named_modules():
            if not isinstance(module, nn.Conv2d):
                continue
            if name.endswith(("conv2", "proj_out")):
                module.weight.mul_(0.1)
            else:
                after_silu = name.endswith("conv1")
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu" if after_silu else "linear")
            module.bias.zero_()


def alphas_cumprod() -> torch.Tensor:
    """ᾱ_t of Stable Diffusion's scaled-linear betas, t = 0 … 999."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, TIMESTEPS, dtype=torch.float64) ** 2
    return torch.cumprod(1 - betas, 0).float()


class Average:
    """Exponential moving average of a module's weights; short at first, then up to `decay`."""

    def __init__(self, module: nn.Module, decay: float, weights: dict[str, torch.Tensor] | None = None) -> None:
        self.decay = decay
        self.weights = {name: value.detach().clone() for name, value in module.state_dict().items()}
        for name, value in (weights or {}).items():
            self.weights[name].copy_(value)
        # The averaged and the learning tensors; a state dict takes longer to make than the average itself.
        self.pairs: tuple[list[torch.Tensor], list[torch.Tensor]] | None = None

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        rate = 1 - min(self.decay, (step + 1) / (step + 10))
        if not self.pairs:
            state: dict[str, Any] = module.state_dict()
            floats = [name for name, value in state.items() if value.is_floating_point()]
            self.pairs = [self.weights[name] for name in floats], [state[name] for name in floats]
        torch._foreach_lerp_(*self.pairs, rate)
