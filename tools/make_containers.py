"""Writes test/fixtures/containers: small files of weights in each container, and what PyTorch reads from them.

Needs PyTorch 2, NumPy and safetensors. Run from anywhere: python tools/make_containers.py [folder]. The manifest says of
each file which tensors it holds, with the SHA-256 of their values in row-major order, little-endian; or, of a file to
be refused, what the message has to say.
"""

import argparse
import collections
import datetime
import hashlib
import json
import os
import pathlib
import pickle
import sys
import types
import zipfile
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

GENERATOR = torch.Generator().manual_seed(20231004)


def values(*shape, dtype=torch.float32):
    return (torch.randn(shape, generator=GENERATOR) * 20).to(dtype)


def network(prefix="", classes=3):
    """The state dict of a tiny classifier."""
    tensors = {
        "conv.weight": values(4, 3, 2, 2),
        "norm.running_mean": values(4),
        "norm.num_batches_tracked": torch.tensor(7),
        "fc.weight": values(classes, 4),
        "fc.bias": values(classes),
    }
    return collections.OrderedDict((prefix + name, tensor) for name, tensor in tensors.items())


def types_of_all_kinds():
    kinds = ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"]
    return {kind: values(3, 2, dtype=getattr(torch, kind)) for kind in kinds}


def views():
    """Tensors that are views: of each other, transposed, of a part of a storage, of nothing."""
    shared = values(6, 4)
    return {
        "shared": shared,
        "shared.again": shared,
        "shared.rows": shared[2:4],
        "shared.transposed": shared.t(),
        "permuted": values(2, 3, 4, 5).permute(2, 0, 3, 1),
        "channels_last": values(4, 3, 2, 2).contiguous(memory_format=torch.channels_last),
        "channels_last.pointwise": values(4, 3, 1, 1).contiguous(memory_format=torch.channels_last),
        "ones": values(1, 5, 1).transpose(0, 1),
        "scalar": values(),
        "nothing": values(0, 3),
    }


def described(tensor):
    rows = tensor.detach().contiguous()
    content = rows.reshape(-1).view(torch.uint8).numpy().tobytes() if rows.numel() else b""
    return {
        "shape": list(tensor.shape),
        "type": str(tensor.dtype).removeprefix("torch."),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


# As in the annotations of RefCOCO; test/unit/engine/pickle/readPickle.test.ts has it too.
PLAIN_VALUES = [
    {"ref_id": 0, "sent_ids": [0, -1, 2**31, -(2**40), 2**80], "file_name": "COCO_train2014_000000581857_16.jpg"},
    {"raw": "it's \"the\" café\\\n\U0001f600", "box": (1.5, -2.25, 1e300), "flags": [True, False, None], "empty": ((), [], {})},
]


class Module(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(4, 3)

    def forward(self, x):
        return self.fc(x)


class Hostile:
    def __reduce__(self):
        return os.system, ("touch /tmp/emms-was-here",)


def fake_class(path, base=object):
    """A class of a library that need not be installed."""
    module_name, name = path.rsplit(".", 1)
    parts = module_name.split(".")
    for end in range(1, len(parts) + 1):
        sys.modules.setdefault(".".join(parts[:end]), types.ModuleType(".".join(parts[:end])))
    made = type(name, (base,), {"__module__": module_name})
    setattr(sys.modules[module_name], name, made)
    return made


def rezipped(source, target, method_of, change=lambda name, content: content, zip64=False):
    """The archive written again by Python's zipfile."""
    limit = zipfile.ZIP64_LIMIT
    zipfile.ZIP64_LIMIT = 0 if zip64 else limit
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.infolist():
            content = change(entry.filename, old.read(entry))
            new.writestr(zipfile.ZipInfo(entry.filename), content, compress_type=method_of(entry.filename))
    zipfile.ZIP64_LIMIT = limit


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent / "test/fixtures/containers")
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    readable, refused = {}, {}

    def expect(file, tensors):
        readable[file] = {name: described(tensor) for name, tensor in tensors.items()}

    def save(file, content, expected=None, legacy=False, **options):
        torch.save(content, folder / file, _use_new_zipfile_serialization=not legacy, **options)
        if expected is not None:
            expect(file, expected)

    def refuse(file, content, message, **options):
        save(file, content, **options)
        refused[file] = message

    # Element types and views, in both formats and in other protocols of pickle.
    kinds, viewed = types_of_all_kinds(), views()
    save("types.pt", kinds, kinds)
    save("types-legacy.pth", kinds, kinds, legacy=True)
    save("views.pt", viewed, viewed)
    save("views-legacy.pth", viewed, viewed, legacy=True)
    plain = network()
    save("protocol-4.pt", plain, plain, pickle_protocol=4)
    save("protocol-5-legacy.pth", plain, plain, legacy=True, pickle_protocol=5)
    parameters = Module().state_dict(keep_vars=True)
    parameters["fc.bias"].marked = True
    save("parameters.pt", parameters, parameters)
    save("names.pt", {"__proto__": values(2), "constructor": values(3), "ü\n": values(1)})
    expect("names.pt", torch.load(folder / "names.pt"))

    # What training code wraps state dicts in.
    for wrapper in [
        "state_dict", "model", "model_state_dict", "module", "net", "network", "teacher", "student", "ema", "model_ema",
        "state_dict_ema", "encoder",
    ]:  # fmt: skip
        inner = {"fc.weight": values(2, 2)}
        save(f"wrapper-{wrapper}.pt", {"epoch": 3, wrapper: inner}, inner)
    inner = network("module.")
    save("ddp-legacy.th", {"best_prec1": 91.7, "state_dict": inner}, inner, legacy=True)
    averaged = network()
    save("timm.pth.tar", {"arch": "resnet", "state_dict": network(), "state_dict_ema": averaged}, averaged)
    inner = network()
    options = argparse.Namespace(lr=0.1, output_dir=pathlib.PurePosixPath("/tmp"), sizes={1, 2}, when=datetime.date(2020, 1, 1))
    optimizer = torch.optim.Adam([torch.nn.Parameter(values(2))])
    optimizer.step(lambda: optimizer.param_groups[0]["params"][0].sum().backward())
    save(
        "deit.pth",
        {"model": inner, "optimizer": optimizer.state_dict(), "epoch": 4, "args": options, "best": np.float64(0.5),
         "history": np.arange(3), "counts": collections.Counter("abca"), "by": collections.defaultdict(list, a=[1])},
        inner,
    )  # fmt: skip
    inner = network("model.")
    callback = fake_class("pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint")
    attributes = fake_class("pytorch_lightning.utilities.parsing.AttributeDict", dict)
    save(
        "lightning.ckpt",
        {"epoch": 1, "global_step": 10, "pytorch-lightning_version": "1.2.0", "state_dict": inner,
         "callbacks": {callback: {"best_model_score": torch.tensor(0.5)}}, "optimizer_states": [], "lr_schedulers": [],
         "hparams_name": "hparams", "hyper_parameters": attributes(lr=0.1, layers=[1, 2])},
        inner,
    )  # fmt: skip
    config = fake_class("yacs.config.CfgNode", dict)
    inner = network()
    save("swin.pth", {"model": inner, "config": config(MODEL=config(TYPE="swin"))}, inner)
    inner = {
        **network("module.base_encoder."),
        **network("module.momentum_encoder."),
        "module.predictor.0.weight": values(2, 2),
    }
    save("moco.pth.tar", {"epoch": 300, "arch": "vit_small", "state_dict": inner}, inner)
    inner = network()
    save("nested-pickle.pt", {"model": inner, "blob": pickle.dumps(Hostile())}, inner)

    # Archives that others wrote again.
    rezipped(folder / "types.pt", folder / "packed-pickle.pt", lambda name: 8 if name.endswith(".pkl") else 0)
    rezipped(folder / "types.pt", folder / "zip64.pt", lambda name: 0, zip64=True)
    for file in ["packed-pickle.pt", "zip64.pt"]:
        expect(file, kinds)
    rezipped(folder / "types.pt", folder / "packed.pt", lambda name: 8)
    refused["packed.pt"] = "compressed after it was saved"
    rezipped(
        folder / "types.pt",
        folder / "big-endian.pt",
        lambda name: 0,
        lambda name, content: b"big" if name.endswith("/byteorder") else content,
    )
    refused["big-endian.pt"] = "big-endian"

    # What is refused.
    for suffix, legacy in [("", False), ("-legacy", True)]:
        refuse(f"hostile{suffix}.pt", {"state_dict": plain, "x": Hostile()}, '"posix.system"', legacy=legacy)
        refuse(f"whole-model{suffix}.pt", torch.nn.Linear(2, 2), '"torch.nn.modules.linear.Linear"', legacy=legacy)
    refuse("gaps.pt", {"w": values(4, 4)[:, ::2]}, 'its tensor "w" is a view with gaps')
    refuse("repeated.pt", {"w": values(1, 4).expand(3, 4)}, 'its tensor "w" is a view with gaps')
    refuse("complex.pt", {"w": values(2, dtype=torch.complex64)}, 'its tensor "w" is of the type complex64')
    refuse("float8.pt", {"w": values(2, dtype=torch.float8_e4m3fn)}, 'its tensor "w" is of the type float8_e4m3fn')
    refuse("sparse.pt", {"w": values(2, 2).to_sparse()}, 'its tensor "w" is sparse')
    quantised = torch.quantize_per_tensor(values(2), 0.1, 0, torch.qint8)
    refuse("quantised.pt", {"w": quantised, "packed.dtype": torch.qint8}, 'its tensor "w" is quantised')
    refuse("one-tensor.pt", values(2), "a single tensor")
    refuse("no-tensors.pt", {"epoch": 1, "optimizer": {}}, 'a dict of "epoch", "optimizer"')
    torch.jit.save(torch.jit.script(Module()), folder / "torchscript.pt")
    refused["torchscript.pt"] = "TorchScript"
    (folder / "pickle.pkl").write_bytes(pickle.dumps({"coef": [1.0, 2.0]}))
    refused["pickle.pkl"] = "torch.save did not write"
    (folder / "hostile.pkl").write_bytes(pickle.dumps(Hostile(), protocol=0))
    refused["hostile.pkl"] = '"posix.system"'

    for protocol in range(6):
        (folder / f"plain-values-{protocol}.pkl").write_bytes(pickle.dumps(PLAIN_VALUES, protocol))

    # Safetensors and shards.
    save_file(kinds, folder / "types.safetensors", metadata={"format": "pt"})
    expect("types.safetensors", kinds)
    first, second = network("a."), network("b.")
    for stem, suffix, write in [("model", "safetensors", save_file), ("pytorch_model", "bin", torch.save)]:
        weight_map = {}
        for i, part in enumerate([first, second], 1):
            shard = f"{stem}-0000{i}-of-00002.{suffix}"
            write(dict(part), folder / shard)
            weight_map |= {name: shard for name in part}
        index = f"{stem}.{suffix}.index.json"
        (folder / index).write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": weight_map}))
        expect(index, {**first, **second})

    (folder / "manifest.json").write_text(json.dumps({"readable": readable, "refused": refused}, indent=1) + "\n")
    total = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{len(readable)} readable, {len(refused)} refused, {total} bytes")


if __name__ == "__main__":
    main()
