"""Bring the emoji packages into the cache with `npm pack`: nothing of them is installed or committed.

The cache is `$DARKROOM_TRAINING_CACHE`, else `$XDG_CACHE_HOME/darkroom-training`, else
`~/.cache/darkroom-training`.
"""

import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from ..run.checkpoints import need_space
from ..run.problem import Problem

# Name and exact version: the same pictures for everyone who trains.
PICTURES = ("@lobehub/fluent-emoji-3d", "1.1.0")
NAMES = ("unicode-emoji-json", "0.9.0")
NEEDED = 64 << 20


def cache_folder() -> Path:
    if own := os.environ.get("DARKROOM_TRAINING_CACHE"):
        return Path(own).resolve()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "darkroom-training"


def package_folder(package: tuple[str, str]) -> Path:
    """The unpacked package in the cache, fetched when it is not there yet."""
    name, version = package
    folder = cache_folder() / f"{name.strip('@').replace('/', '-')}-{version}"
    if not folder.exists():
        need_space(cache_folder(), NEEDED)
        fetch(f"{name}@{version}", folder)
    return folder / "package"


def fetch(what: str, folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise Problem(f"npm is needed once to fetch {what}; install Node.js, or put the package into {folder}.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Several processes may fetch at once: each in a folder of its own, the first one's stays.
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="fetch-") as partial:
        order = [npm, "pack", what, "--silent", "--pack-destination", partial]
        done = subprocess.run(order, capture_output=True, text=True, cwd=partial)
        archives = list(Path(partial).glob("*.tgz"))
        if done.returncode != 0 or not archives:
            raise Problem(f"npm could not fetch {what}: {(done.stderr or done.stdout).strip()[:300]}")
        whole = Path(partial) / "whole"
        with tarfile.open(archives[0]) as archive:
            archive.extractall(whole, filter="data")
        try:
            whole.rename(folder)
        except OSError:
            if not folder.exists():
                raise
