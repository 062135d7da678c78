"""The other side of bench/engine/families.ts: one evaluation of diffusers' transformers with random weights.

    python bench/engine/families.py FOLDER THREADS

A line of JSON in, a line out: {"open": "flux tiny"} builds it, saves its weights below FOLDER and tells where;
{"run": …} evaluates it once and tells its seconds by the clock and of all threads' work.
"""

import json
import sys
import time
from pathlib import Path

import diffusers
import torch

FOLDER, THREADS = Path(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(THREADS)
torch.set_grad_enabled(False)

# patches of the picture one way, and tokens of the text
SIDE, WORDS = 8, 64


def rand(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def ids(axes, picture):
    grid = torch.zeros(SIDE, SIDE, axes)
    grid[..., 1] += torch.arange(SIDE)[:, None]
    grid[..., 2] += torch.arange(SIDE)[None, :]
    return {"img_ids": grid.reshape(-1, axes), "txt_ids": torch.zeros(WORDS, axes)}


def joint(model, heads, text, more=None, **config):
    """Flux and its kin: packed patches, text, ids."""
    def make():
        return model(num_attention_heads=heads, joint_attention_dim=text, num_layers=1, num_single_layers=1, **config)

    def ask(network):
        axes = len(network.config.axes_dims_rope)
        inside = network.config.in_channels
        return network(hidden_states=rand(1, SIDE * SIDE, inside), encoder_hidden_states=rand(1, WORDS, text),
                       timestep=torch.tensor([0.5]), return_dict=False, **ids(axes, SIDE), **(more() if more else {}))
    return make, ask


def flux(heads, text, pooled):
    return joint(diffusers.FluxTransformer2DModel, heads, text, guidance_embeds=True, pooled_projection_dim=pooled,
                 more=lambda: {"pooled_projections": rand(1, pooled), "guidance": torch.tensor([3.5])})


def flux2(heads, text):
    return joint(diffusers.Flux2Transformer2DModel, heads, text, more=lambda: {"guidance": None}, guidance_embeds=False)


def chroma(heads, text, inner):
    return joint(diffusers.ChromaTransformer2DModel, heads, text, approximator_hidden_dim=inner,
                 more=lambda: {"attention_mask": torch.ones(1, WORDS + SIDE * SIDE)})


def sd3(heads, text, pooled):
    def make():
        return diffusers.SD3Transformer2DModel(
            sample_size=128, num_layers=2, num_attention_heads=heads, attention_head_dim=64, joint_attention_dim=text,
            caption_projection_dim=64 * heads, pooled_projection_dim=pooled, out_channels=16, pos_embed_max_size=192,
            dual_attention_layers=(0,), qk_norm="rms_norm")
    return make, lambda network: network(
        hidden_states=rand(1, 16, 2 * SIDE, 2 * SIDE), encoder_hidden_states=rand(1, WORDS, text),
        pooled_projections=rand(1, pooled), timestep=torch.tensor([500.0]), return_dict=False)


def qwen(heads, text):
    def make():
        return diffusers.QwenImageTransformer2DModel(num_layers=1, num_attention_heads=heads, joint_attention_dim=text)
    return make, lambda network: network(
        hidden_states=rand(1, SIDE * SIDE, 64), encoder_hidden_states=rand(1, WORDS, text),
        encoder_hidden_states_mask=None, timestep=torch.tensor([0.5]), img_shapes=[[(1, SIDE, SIDE)]], return_dict=False)


def z_image(heads, text):
    def make():
        return diffusers.ZImageTransformer2DModel(dim=128 * heads, n_layers=1, n_refiner_layers=1, n_heads=heads,
                                                  n_kv_heads=heads, cap_feat_dim=text)
    return make, lambda network: network(
        [rand(16, 1, 2 * SIDE, 2 * SIDE)], torch.tensor([0.5]), [rand(WORDS, text)], return_dict=False)


# two heads, and one block of the real width
NETWORKS = {
    "z-image tiny": z_image(2, 64), "z-image block": z_image(30, 2560),
    "flux2 tiny": flux2(2, 192), "flux2 block": flux2(24, 7680),
    "flux tiny": flux(2, 64, 128), "flux block": flux(24, 4096, 768),
    "chroma tiny": chroma(2, 64, 96), "chroma block": chroma(24, 4096, 5120),
    "sd3 tiny": sd3(4, 64, 128), "sd3 block": sd3(24, 4096, 2048),
    "qwen-image tiny": qwen(2, 64), "qwen-image block": qwen(24, 3584),
}

network = ask = None
print(json.dumps({"versions": {"diffusers": diffusers.__version__, "torch": torch.__version__},
                  "side": SIDE, "words": WORDS}), flush=True)
for line in sys.stdin:
    order = json.loads(line)
    if "open" in order:
        torch.manual_seed(0)
        make, ask = NETWORKS[order["open"]]
        network = make().eval()
        folder = FOLDER / order["open"].replace(" ", "-")
        if not folder.exists():
            network.save_pretrained(folder, max_shard_size="100GB")
        answer = {"folder": str(folder)}
    else:
        began, worked = time.perf_counter(), time.process_time()
        ask(network)
        answer = {"wall": time.perf_counter() - began, "cpu": time.process_time() - worked}
    print(json.dumps(answer), flush=True)
