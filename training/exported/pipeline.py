"""An exported ONNX folder as a picture machine, for scores and sheets."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from ..networks.sampling import ddim, noise, to_pictures
from ..run.problem import Problem
from ..tokenizer import load_tokenizer

PARTS = ("text_encoder", "unet", "vae_decoder", "vae_encoder")


class Pipeline:
    """The four graphs of a folder in diffusers' layout, on the CPU."""

    def __init__(self, folder: Path, threads: int = 2) -> None:
        self.folder = folder
        self.tokenizer = load_tokenizer(folder / "tokenizer")
        self.sessions = {part: open_graph(folder / part / "model.onnx", threads) for part in PARTS}
        try:
            config = json.loads((folder / "vae_decoder" / "config.json").read_text())
            self.scale, self.size = float(config["scaling_factor"]), int(config["sample_size"])
        except (OSError, KeyError, ValueError) as error:
            raise Problem(f"{folder}/vae_decoder/config.json lacks scaling_factor or sample_size.") from error
        self.empty = self.encode([""])

    def run(self, part: str, output: str, **inputs: np.ndarray) -> np.ndarray:
        return self.sessions[part].run([output], inputs)[0]

    def encode(self, prompts: list[str]) -> torch.Tensor:
        ids = np.array([code.ids for code in self.tokenizer.encode_batch(prompts)], np.int64)
        return torch.from_numpy(self.run("text_encoder", "last_hidden_state", input_ids=ids))

    def predict(self, x: torch.Tensor, t: int, states: torch.Tensor) -> torch.Tensor:
        inputs = {"sample": x.numpy(), "timestep": np.array([t], np.int64), "encoder_hidden_states": states.numpy()}
        return torch.from_numpy(self.run("unet", "out_sample", **inputs))

    def paint(self, prompts: list[str], seeds: list[int], steps: int = 20, guidance: float = 5.0) -> np.ndarray:
        """uint8 [n, size, size, 3], one seed a prompt."""
        start = noise(seeds, self.size // 8)
        latents = ddim(self.predict, start, self.encode(prompts), self.empty, steps=steps, guidance=guidance)
        return self.decode(latents / self.scale)

    def decode(self, latents: torch.Tensor) -> np.ndarray:
        decoded = self.run("vae_decoder", "sample", latent_sample=latents.numpy().astype(np.float32))
        return to_pictures(torch.from_numpy(decoded)).numpy()

    def reconstruct(self, pictures: np.ndarray) -> np.ndarray:
        """Pictures through the encoder's mean and the decoder."""
        images = (pictures.transpose(0, 3, 1, 2) / 127.5 - 1).astype(np.float32)
        mean = self.run("vae_encoder", "latent_parameters", sample=images)[:, :4]
        return self.decode(torch.from_numpy(mean))


def open_graph(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise Problem(f"{path} cannot be opened as an ONNX model: {error}") from error
