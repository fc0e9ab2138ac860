#!/usr/bin/env python3
"""hostile.py KIND SIZE > out: logs that could exhaust memory.

  long-line  one line without an end          hosts     every line from another host
  warnings   warnings of one kind, and        stream    a healthy rank that logs its calls for ever
             ones that never repeat
SIZE: bytes with K, M or G.
"""
import os
import sys


def hosts(i):
    return f"node-{i:07d}:71:71 [0] NCCL INFO NCCL_SOCKET_IFNAME set by environment to eth0\n"


def word(number):
    """In letters that are no hexadecimal digits: digits do not make a text a new one."""
    letters = ""
    while number:
        number, rest = divmod(number, 20)
        letters += "ghijklmnopqrstuvwxyz"[rest]
    return letters


def warnings(i):
    text = "Connection closed by remote peer <>" if i % 2 else f"odd thing {word(i)} in {word(i * 7919)}"
    return f"node:71:90 [0] misc/socket.cc:50 NCCL WARN {text}\n"


def stream(i):
    return START * (i == 0) + (f"node:71:71 [0] NCCL INFO AllReduce: opCount {i:x} sendbuff 0x7f0000001000 recvbuff 0x7f0000002000 count "
            f"{i % 4096} datatype 7 op 0 root 0 comm 0x55d0c0a01000 [nranks=4] stream 0x55d0c0b02000\n")


START = ("node:71:71 [0] NCCL INFO ncclCommInitRank comm 0x55d0c0a01000 rank 0 nranks 4 cudaDev 0 nvmlDev 0 busId 1b000 "
         "commId 0x1234 - Init START\n")


def long_line(_):
    return "node:71:71 [0] NCCL INFO " + "x" * 1000


def main():
    kind, size = sys.argv[1].replace("-", "_"), sys.argv[2]
    wanted = int(float(size.rstrip("KMG")) * {"K": 10**3, "M": 10**6, "G": 10**9}.get(size[-1], 1))
    line = {"long_line": long_line, "hosts": hosts, "warnings": warnings, "stream": stream}[kind]
    number = written = 0
    try:
        while written < wanted:
            block = "".join(line(number + i) for i in range(2000)).encode()
            number += 2000
            block = block[: wanted - written]
            sys.stdout.buffer.write(block)
            written += len(block)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        os._exit(1)


if __name__ == "__main__":
    main()
