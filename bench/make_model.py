#!/usr/bin/env python3
"""Writes a model directory of many shards: real headers and index, the data is a hole (sparse) or random bytes.

  make_model.py DIR [--shards N] [--tensors N] [--gigabytes N] [--real]     --real: data is written, .metadata has its hashes
"""
import argparse
import hashlib
import json
import os
import struct


def header_of(names, bytes_each):
    header, at = {"__metadata__": {"format": "pt"}}, 0
    for name in names:
        header[name] = {"dtype": "BF16", "shape": [bytes_each // 2048, 1024], "data_offsets": [at, at + bytes_each]}
        at += bytes_each
    text = json.dumps(header, separators=(",", ":"))
    text += " " * (-len(text) % 8)
    return text.encode(), at


def tensor_name(i):
    kinds = ["self_attn.q_proj", "self_attn.k_proj", "mlp.experts.%d.gate_proj" % (i % 128),
             "mlp.experts.%d.down_proj" % (i % 128), "mlp.experts.%d.up_proj" % (i % 128)]
    return "model.layers.%d.%s.weight_%d" % (i // 300, kinds[i % 5], i)


def write_shard(path, header, data_bytes, real):
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(header)) + header)
        if not real:
            out.truncate(8 + len(header) + data_bytes)
            return None
    digest = hashlib.sha256(struct.pack("<Q", len(header)) + header)
    with open(path, "ab") as out:
        while data_bytes > 0:
            block = os.urandom(min(data_bytes, 1 << 20))
            digest.update(block)
            out.write(block)
            data_bytes -= len(block)
    return digest.hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory")
    parser.add_argument("--shards", type=int, default=59)
    parser.add_argument("--tensors", type=int, default=25000)
    parser.add_argument("--gigabytes", type=float, default=240)
    parser.add_argument("--real", action="store_true")
    o = parser.parse_args()
    os.makedirs(o.directory, exist_ok=True)
    bytes_each = max(2048, int(o.gigabytes * 1e9 / o.tensors) // 2048 * 2048)
    weight_map, total = {}, 0
    for shard in range(o.shards):
        file = "model-%05d-of-%05d.safetensors" % (shard + 1, o.shards)
        names = [tensor_name(i) for i in range(shard * o.tensors // o.shards, (shard + 1) * o.tensors // o.shards)]
        header, data_bytes = header_of(names, bytes_each)
        digest = write_shard(os.path.join(o.directory, file), header, data_bytes, o.real)
        if digest:
            record = os.path.join(o.directory, ".cache/huggingface/download", file + ".metadata")
            os.makedirs(os.path.dirname(record), exist_ok=True)
            with open(record, "w") as out:
                out.write("%s\n%s\n%f\n" % ("a" * 40, digest, 4e9))
        total += data_bytes
        weight_map.update({name: file for name in names})
    small = {
        "model.safetensors.index.json": {"metadata": {"total_size": total}, "weight_map": weight_map},
        "config.json": {"architectures": ["Qwen3MoeForCausalLM"], "model_type": "qwen3_moe"},
        "tokenizer.json": {"version": "1.0", "model": {"type": "BPE", "vocab": {str(i): i for i in range(1000)}}},
        "tokenizer_config.json": {"chat_template": "{{ messages }}"},
        "generation_config.json": {"temperature": 0.7},
    }
    for name, value in small.items():
        with open(os.path.join(o.directory, name), "w") as out:
            json.dump(value, out)


if __name__ == "__main__":
    main()
