"""One guided step of Stable Diffusion 1's UNet at 512x512 in PyTorch, from a single file: python full-size.py FILE THREADS

The network is written out with torch.nn.functional, so that torch alone is needed: scaled_dot_product_attention, float32,
the faster of both memory layouts. Prints {"cpu": seconds of processor time, "wall": seconds, "memory": GB}.
"""

import json
import math
import resource
import struct
import sys
import time

import torch
import torch.nn.functional as F

FILE, THREADS = sys.argv[1], int(sys.argv[2])
torch.set_num_threads(THREADS)
torch.set_grad_enabled(False)

with open(FILE, "rb") as file:
    (length,) = struct.unpack("<Q", file.read(8))
    header = json.loads(file.read(length))
    w = {}
    root = "model.diffusion_model."
    for name, entry in header.items():
        if not name.startswith(root):
            continue
        start, end = entry["data_offsets"]
        file.seek(8 + length + start)
        data = torch.frombuffer(bytearray(file.read(end - start)), dtype=torch.float16)
        w[name[len(root) :]] = data.reshape(entry["shape"]).float()


def linear(x, path):
    return F.linear(x, w[path + ".weight"].flatten(1), w.get(path + ".bias"))


def conv(x, path, **kind):
    return F.conv2d(x, w[path + ".weight"], w[path + ".bias"], **kind)


def group(x, path, eps=1e-5):
    return F.group_norm(x, 32, w[path + ".weight"], w[path + ".bias"], eps)


def layer(x, path):
    return F.layer_norm(x, x.shape[-1:], w[path + ".weight"], w[path + ".bias"])


def resnet(x, time_, path):
    y = conv(F.silu(group(x, path + ".in_layers.0")), path + ".in_layers.2", padding=1)
    y = y + linear(F.silu(time_), path + ".emb_layers.1")[:, :, None, None]
    y = conv(F.silu(group(y, path + ".out_layers.0")), path + ".out_layers.3", padding=1)
    skip = path + ".skip_connection"
    return y + (conv(x, skip) if skip + ".weight" in w else x)


def attend(x, context, path):
    b, _, c = x.shape
    q, k, v = (
        linear(each, f"{path}.to_{name}").view(b, -1, 8, c // 8).transpose(1, 2)
        for name, each in (("q", x), ("k", context), ("v", context))
    )
    y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, -1, c)
    return linear(y, path + ".to_out.0")


def transformer(x, context, path):
    b, c, height, width = x.shape
    y = conv(group(x, path + ".norm", 1e-6), path + ".proj_in")
    y = y.flatten(2).transpose(1, 2)
    block = path + ".transformer_blocks.0"
    n = layer(y, block + ".norm1")
    y = y + attend(n, n, block + ".attn1")
    y = y + attend(layer(y, block + ".norm2"), context, block + ".attn2")
    value, gate = linear(layer(y, block + ".norm3"), block + ".ff.net.0.proj").chunk(2, dim=-1)
    y = y + linear(value * F.gelu(gate), block + ".ff.net.2")
    y = y.transpose(1, 2).reshape(b, c, height, width)
    return conv(y, path + ".proj_out") + x


def unet(x, t, context):
    half = 160
    rates = torch.exp(-math.log(10000) * torch.arange(half) / half)
    angles = torch.full((x.shape[0], 1), float(t)) * rates
    time_ = torch.cat([angles.cos(), angles.sin()], dim=-1)
    time_ = linear(F.silu(linear(time_, "time_embed.0")), "time_embed.2")

    def block(x, path):
        if path + ".0.op.weight" in w:
            return conv(x, path + ".0.op", stride=2, padding=1)
        if path + ".0.in_layers.0.weight" not in w:
            return conv(x, path + ".0", padding=1)
        x = resnet(x, time_, path + ".0")
        for inner in ("1", "2"):
            at = f"{path}.{inner}"
            if at + ".norm.weight" in w:
                x = transformer(x, context, at)
            elif at + ".conv.weight" in w:
                x = conv(F.interpolate(x, scale_factor=2.0), at + ".conv", padding=1)
        return x

    skips = []
    for i in range(12):
        x = block(x, f"input_blocks.{i}")
        skips.append(x)
    x = resnet(x, time_, "middle_block.0")
    x = transformer(x, context, "middle_block.1")
    x = resnet(x, time_, "middle_block.2")
    for i in range(12):
        x = block(torch.cat([x, skips.pop()], dim=1), f"output_blocks.{i}")
    return conv(F.silu(group(x, "out.0")), "out.2", padding=1)


def wave(*shape):
    return torch.sin(1.7 * torch.arange(math.prod(shape), dtype=torch.float32)).reshape(shape)


sample, context = wave(2, 4, 64, 64), wave(2, 77, 768)
best = None
for layout in (torch.contiguous_format, torch.channels_last):
    w = {k: v.contiguous(memory_format=layout) if v.dim() == 4 else v for k, v in w.items()}
    given = sample.contiguous(memory_format=layout)
    unet(given, 500, context)
    for _ in range(2):
        began, worked = time.perf_counter(), time.process_time()
        y = unet(given, 500, context)
        cost = {"cpu": time.process_time() - worked, "wall": time.perf_counter() - began}
        if best is None or cost["cpu"] < best["cpu"]:
            best = cost
best["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
best["values"] = [float(v) for v in y.flatten()[:4]]
print(json.dumps(best))
