"""The four graphs of a Stable Diffusion ONNX folder: their modules, inputs, outputs and free dimensions."""

from dataclasses import dataclass

import torch
from diffusers.models.attention_processor import AttnProcessor
from torch import nn

from ..networks.models import TOKENS
from ..run.presets import Preset

Axes = dict[int, str]


@dataclass(frozen=True)
class Graph:
    """`inputs`: an example and its free dimensions by name; `outputs`: their free dimensions."""

    name: str
    module: nn.Module
    inputs: dict[str, tuple[torch.Tensor, Axes]]
    outputs: dict[str, Axes]

    def examples(self) -> dict[str, torch.Tensor]:
        return {name: value for name, (value, _) in self.inputs.items()}


def graphs(preset: Preset, text: nn.Module, unet: nn.Module, vae: nn.Module, vocabulary: int) -> list[Graph]:
    side, batch = preset.latent_size, {0: "batch_size"}
    pixels = batch | {2: "height", 3: "width"}
    latents = batch | {2: "latent_height", 3: "latent_width"}
    ids = torch.randint(0, vocabulary, (2, TOKENS))
    ids[:, -1] = vocabulary - 1
    states = torch.randn(2, TOKENS, preset.text_width)
    text_graph = Graph(
        "text_encoder",
        TextGraph(text),
        {"input_ids": (ids, batch)},
        {"last_hidden_state": batch, "pooler_output": batch},
    )
    unet_graph = Graph(
        "unet",
        UnetGraph(unet),
        {
            "sample": (torch.randn(2, 4, side, side), pixels),
            "timestep": (torch.tensor([500]), {0: "steps"}),
            "encoder_hidden_states": (states, batch | {1: "sequence_length"}),
        },
        {"out_sample": pixels},
    )
    decoder = Graph(
        "vae_decoder",
        DecoderGraph(vae),
        {"latent_sample": (torch.randn(1, 4, side, side), latents)},
        {"sample": pixels},
    )
    encoder = Graph(
        "vae_encoder",
        EncoderGraph(vae),
        {"sample": (torch.randn(1, 3, side * 8, side * 8), pixels)},
        {"latent_parameters": latents},
    )
    return [text_graph, unet_graph, decoder, encoder]


class TextGraph(nn.Module):
    """CLIP's text model written out, so that its causal mask does not fix the batch size."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.model = getattr(encoder, "text_model", encoder)
        self.config = encoder.config

    def forward(self, input_ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        embeddings, length = self.model.embeddings, input_ids.shape[1]
        hidden = embeddings.token_embedding(input_ids) + embeddings.position_embedding.weight[:length]
        mask = torch.full((length, length), -1e4).triu(1)
        for layer in self.model.encoder.layers:
            hidden = hidden + self.attend(layer.self_attn, layer.layer_norm1(hidden), mask)
            inner = layer.mlp.fc1(layer.layer_norm2(hidden))
            hidden = hidden + layer.mlp.fc2(inner * torch.sigmoid(1.702 * inner))
        states = self.model.final_layer_norm(hidden)
        first_end = (input_ids == self.config.eos_token_id).int().argmax(-1)
        return states, states[torch.arange(states.shape[0]), first_end]

    def attend(self, attention: nn.Module, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        heads = self.config.num_attention_heads
        shape = (x.shape[0], x.shape[1], heads, x.shape[2] // heads)
        query, key, value = (
            projection(x).reshape(shape).transpose(1, 2)
            for projection in (attention.q_proj, attention.k_proj, attention.v_proj)
        )
        weights = torch.softmax(query @ key.transpose(-1, -2) * shape[3] ** -0.5 + mask, -1)
        return attention.out_proj((weights @ value).transpose(1, 2).reshape(x.shape))


class UnetGraph(nn.Module):
    def __init__(self, unet: nn.Module) -> None:
        super().__init__()
        unet.set_attn_processor(AttnProcessor())
        self.unet = unet

    def forward(
        self, sample: torch.Tensor, timestep: torch.Tensor, encoder_hidden_states: torch.Tensor
    ) -> torch.Tensor:
        return self.unet(sample, timestep, encoder_hidden_states=encoder_hidden_states, return_dict=False)[0]


class DecoderGraph(nn.Module):
    def __init__(self, vae: nn.Module) -> None:
        super().__init__()
        self.vae = vae

    def forward(self, latent_sample: torch.Tensor) -> torch.Tensor:
        return self.vae.decoder(self.vae.post_quant_conv(latent_sample))


class EncoderGraph(nn.Module):
    def __init__(self, vae: nn.Module) -> None:
        super().__init__()
        self.vae = vae

    def forward(self, sample: torch.Tensor) -> torch.Tensor:
        return self.vae.quant_conv(self.vae.encoder(sample))
