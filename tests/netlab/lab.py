"""Hosts with their own addresses on one switch, made of network namespaces inside a namespace of this test: nothing
outside sees them, and they are gone when the test ends."""
import os
import subprocess
import sys

WORD = "RANKDX_NETLAB_INSIDE"


def enter():
    """Runs this script again in its own namespaces. False when the machine allows none."""
    if os.environ.get(WORD):
        subprocess.run("mount -t tmpfs tmpfs /run && ip link set lo up", shell=True, check=True)
        return True
    inner = ["--net", "--mount", "--pid", "--fork", "--mount-proc"]
    for outer in (["--user", "--map-root-user"], []):
        command = ["unshare", *outer, *inner]
        if subprocess.run([*command, "true"], capture_output=True).returncode == 0:
            os.environ[WORD] = "1"
            os.execvp("unshare", [*command, sys.executable, *sys.argv])
    return False


def sh(command):
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{command}\n{done.stderr}")


class Lab:
    """Host i (from 1): name gpu-worker-0i, eth0 10.244.i.15/16 (MTU 1500), eth1 192.168.50.i/24 (MTU 9000)."""

    def __init__(self, name, work, count=4):
        self.name, self.count, self.holders = name, count, []
        self.work = work
        sh(f"ip netns add {name}-sw; ip -n {name}-sw link set lo up")
        for k in (0, 1):
            sh(f"ip -n {name}-sw link add br{k} type bridge && ip -n {name}-sw link set br{k} up")
        self.switch("nft 'add table bridge fw; add chain bridge fw f { type filter hook forward priority 0; }'")
        for i in range(1, count + 1):
            self._add(i)

    def _add(self, i):
        n, h = self.name, f"{self.name}-h{i}"
        sh(f"ip netns add {h} && ip -n {h} link set lo up")
        # gso_max_segs: a bridge lets a burst of segments pass as one frame, whatever the MTU of its port; a wire does not.
        for k, (address, mtu) in enumerate(((f"10.244.{i}.15/16", 1500), (f"192.168.50.{i}/24", 9000))):
            sh(f"ip link add name eth{k} netns {h} type veth peer name v{i}-{k} netns {n}-sw && "
               f"ip -n {n}-sw link set v{i}-{k} mtu {mtu} master br{k} up && "
               f"ip -n {h} link set eth{k} mtu {mtu} gso_max_segs 1 up && ip -n {h} addr add {address} dev eth{k} && "
               f"ip netns exec {h} sysctl -qw net.ipv6.conf.eth{k}.disable_ipv6=1")
        self.set_hosts(i)
        script = (f"hostname gpu-worker-0{i}; mount -t sysfs sysfs /sys; mount --bind {self.hosts(i)} /etc/hosts; "
                  "echo; exec sleep infinity")
        holder = subprocess.Popen(["nsenter", f"--net=/run/netns/{h}", "unshare", "--uts", "--mount", "sh", "-c", script],
                                  stdout=subprocess.PIPE)
        holder.stdout.readline()
        self.holders.append(holder)

    def hosts(self, i):
        return f"{self.work}/{self.name}-hosts{i}"

    def set_hosts(self, i, own=None):
        """The file is bound over /etc/hosts, so it is rewritten in place."""
        lines = ["127.0.0.1 localhost"]
        for j in range(1, self.count + 1):
            lines.append(f"{own if own and i == j else f'10.244.{j}.15'} gpu-worker-0{j}")
        with open(self.hosts(i), "w") as f:
            f.write("\n".join(lines) + "\n")

    def start(self, i, command, env=None, **kwargs):
        pid = self.holders[i - 1].pid
        return subprocess.Popen(["nsenter", "-t", str(pid), "--net", "--uts", "--mount", "--", *command],
                                env={**os.environ, **(env or {})}, text=True, **kwargs)

    def host(self, i, command):
        sh(f"ip netns exec {self.name}-h{i} {command}")

    def switch(self, command):
        sh(f"ip netns exec {self.name}-sw {command}")

    def rule(self, text):
        self.switch(f"nft add rule bridge fw f '{text}'")

    def flush(self):
        self.switch("nft flush chain bridge fw f")
        for i in range(1, self.count + 1):
            subprocess.run(f"ip netns exec {self.name}-h{i} nft flush ruleset", shell=True, check=True)
            self.set_hosts(i)

    def close(self):
        for holder in self.holders:
            holder.kill()
            holder.wait()
