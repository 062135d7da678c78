"""The other side of bench/engine/reference.ts: Stable Diffusion in diffusers on PyTorch, with networks of the shapes that a
model folder's config.json files describe.

Weights are random, which costs the same time. One line of JSON in (layout and prompt), one line out (seconds and
processor seconds).

    python bench/engine/reference.py MODEL_FOLDER THREADS SIZE STEPS GUIDANCE
"""

import io
import json
import sys
import time
from pathlib import Path

import diffusers
import torch
import transformers

folder = Path(sys.argv[1])
threads, size, steps = (int(argument) for argument in sys.argv[2:5])
guidance = float(sys.argv[5])


def config(component: str, name: str = "config.json") -> dict:
    return json.loads((folder / component / name).read_text())


def build(memory_format: torch.memory_format) -> diffusers.StableDiffusionPipeline:
    text_config = transformers.CLIPTextConfig(**config("text_encoder"))
    networks = {
        "unet": diffusers.UNet2DConditionModel.from_config(config("unet")),
        "vae": diffusers.AutoencoderKL.from_config(config("vae_decoder")),
        "text_encoder": transformers.CLIPTextModel(text_config),
    }
    for name, network in networks.items():
        network.eval()
        if name != "text_encoder":
            network.to(memory_format=memory_format)
    pipeline = diffusers.StableDiffusionPipeline(
        **networks,
        tokenizer=transformers.CLIPTokenizer.from_pretrained(folder / "tokenizer"),
        scheduler=diffusers.DDIMScheduler.from_config(config("scheduler", "scheduler_config.json")),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def paint(pipeline: diffusers.StableDiffusionPipeline, prompt: str) -> None:
    """From the prompt to the bytes of a PNG."""
    generator = torch.Generator("cpu").manual_seed(1)
    picture = pipeline(
        prompt,
        height=size,
        width=size,
        num_inference_steps=steps,
        guidance_scale=guidance,
        generator=generator,
    ).images[0]
    picture.save(io.BytesIO(), "PNG")


torch.set_num_threads(threads)
torch.manual_seed(0)
pipelines = {
    "contiguous": build(torch.contiguous_format),
    "channels_last": build(torch.channels_last),
}
versions = {
    "diffusers": diffusers.__version__,
    "torch": torch.__version__,
    "transformers": transformers.__version__,
    "python": sys.version.split()[0],
}
print(json.dumps({"versions": versions}), flush=True)
for line in sys.stdin:
    order = json.loads(line)
    began, worked = time.perf_counter(), time.process_time()
    paint(pipelines[order["layout"]], order["prompt"])
    answer = {"wall": time.perf_counter() - began, "cpu": time.process_time() - worked}
    print(json.dumps(answer), flush=True)
