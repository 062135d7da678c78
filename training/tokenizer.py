"""A CLIP tokenizer of our own words: `python -m training.tokenizer`. Writes <work>/tokenizer.

The format is CLIP's (byte-level BPE, `</w>` at a word's end, 77 ids), so that a reader of CLIP's
vocab.json and merges.txt needs nothing new.
"""

import json
from pathlib import Path

import numpy as np
from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors, trainers
from tokenizers.models import BPE

from .networks.models import TOKENS
from .run.presets import options, parser
from .run.problem import Problem, run
from .scenes.captions import Narrator, Words
from .scenes.scene import World, sample_scene

BEGIN, END = "<|startoftext|>", "<|endoftext|>"
PATTERN = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
# Words that people write though the model cannot draw them: they should not fall to letters.
COMMON = """person people man woman girl boy dog bird rabbit bunny bear horse dragon robot castle city
street river lake beach rain space planet galaxy fire water ice wind light dark shadow gold silver brown
gray grey cyan turquoise magenta medium tall short round standing sitting flying swimming smiling sad
portrait landscape closeup view scene style anime realistic photo render watercolor oil digital concept
fantasy dream magic old new young with without under over above below behind front near between inside
outside and or of the in on at by for from to is are""".split()


def load_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer of that folder; every text becomes exactly 77 ids."""
    try:
        vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf8"))
        lines = (folder / "merges.txt").read_text(encoding="utf8").splitlines()
    except (OSError, json.JSONDecodeError) as error:
        raise Problem(f"{folder} holds no readable vocab.json and merges.txt: {error}.") from error
    merges = [tuple(line.split(" ")) for line in lines if line and not line.startswith("#version")]
    tokenizer = assemble(vocabulary, merges)
    end = vocabulary[END]
    tokenizer.enable_truncation(TOKENS)
    tokenizer.enable_padding(length=TOKENS, pad_id=end, pad_token=END)
    return tokenizer


def assemble(vocabulary: dict[str, int], merges: list[tuple[str, ...]]) -> Tokenizer:
    tokenizer = bare(BPE(vocab=vocabulary, merges=merges, unk_token=END, end_of_word_suffix="</w>"))
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([BEGIN, END])
    tokenizer.post_processor = processors.RobertaProcessing(
        (END, vocabulary[END]), (BEGIN, vocabulary[BEGIN]), trim_offsets=False, add_prefix_space=False
    )
    return tokenizer


def bare(model: BPE) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    split = pre_tokenizers.Split(Regex(PATTERN), behavior="removed", invert=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    return tokenizer


def train_tokenizer(
    words: Words, world: World, captions: int = 30_000, size: int = 2600
) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Learn merges from captions; the vocabulary is ordered as CLIP's."""
    narrator = Narrator(words, np.random.default_rng(3))
    corpus = [narrator.caption(sample_scene(narrator.rng, world)) for _ in range(captions)]
    learner = bare(BPE(end_of_word_suffix="</w>"))
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=8,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        end_of_word_suffix="</w>",
    )
    learner.train_from_iterator(corpus + COMMON * 10, trainer)
    learnt = [tuple(pair) for pair in json.loads(learner.to_str())["model"]["merges"]]
    letters = byte_letters()
    tokens = letters + [f"{letter}</w>" for letter in letters]
    known, merges = set(tokens), []
    for first, second in learnt:
        if first in known and second in known:
            merges.append((first, second))
            if first + second not in known:
                known.add(first + second)
                tokens.append(first + second)
    return {token: i for i, token in enumerate([*tokens, BEGIN, END])}, merges


def byte_letters() -> list[str]:
    """GPT-2's printable letter for each byte, in the order of CLIP's vocabulary."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + i) for i in range(len(hidden))]


def write_tokenizer(folder: Path, vocabulary: dict[str, int], merges: list[tuple[str, str]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf8")
    lines = ["#version: 0.2", *[" ".join(pair) for pair in merges]]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf8")
    assemble(vocabulary, list(merges)).save(str(folder / "tokenizer.json"))
    flags = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False}
    specials = {"bos_token": BEGIN, "eos_token": END, "unk_token": END}
    full = {name: {"content": token, **flags} for name, token in specials.items()} | {"pad_token": END}
    config = specials | {
        "pad_token": END,
        "add_prefix_space": False,
        "do_lower_case": True,
        "errors": "replace",
        "model_max_length": TOKENS,
        "tokenizer_class": "CLIPTokenizer",
    }
    for name, data in (("special_tokens_map.json", full), ("tokenizer_config.json", config)):
        (folder / name).write_text(json.dumps(data, indent=1) + "\n", encoding="utf8")


def main() -> None:
    chosen = options(parser("Train a tokenizer on the captions; an existing one is kept.").parse_args())
    if (chosen.tokenizer / "vocab.json").exists():
        raise Problem(f"{chosen.tokenizer} holds a tokenizer; models trained with it need its ids. Choose another.")
    vocabulary, merges = train_tokenizer(chosen.words, chosen.preset.vocabulary)
    write_tokenizer(chosen.tokenizer, vocabulary, merges)
    print(f"{chosen.tokenizer}: {len(vocabulary)} tokens, {len(merges)} merges")


if __name__ == "__main__":
    run(main)
