"""Launches that are right, in the styles in which people write them: for lint_test.py. Each is a text with a file name
that tells its form. Sizes, versions and names vary; facts (flags, fields) are those of vLLM, Kubernetes, Run:ai, Slurm,
docker and compose."""

GIB = "Gi"


def env_yaml(env, indent):
    pad = " " * indent
    out = ""
    for name, value in env.items():
        out += f"{pad}- name: {name}\n"
        if value.startswith("field:"):
            out += f"{pad}  valueFrom:\n{pad}    fieldRef:\n{pad}      fieldPath: {value[6:]}\n"
        elif value.startswith("secret:"):
            secret, key = value[7:].split("/")
            out += f"{pad}  valueFrom:\n{pad}    secretKeyRef:\n{pad}      name: {secret}\n{pad}      key: {key}\n"
        else:
            out += f'{pad}  value: "{value}"\n'
    return out


def block(words, indent):
    return "".join(f'{" " * indent}- "{w}"\n' for w in words)


def lws(name, version, model, size, gpus, extra=(), env=None, rdma=None, flow=False, shell=False, host_network=False):
    env = dict({"VLLM_HOST_IP": "field:status.podIP", "PYTHONUNBUFFERED": "1"}, **(env or {}))
    common = [model, "--tensor-parallel-size", str(gpus), "--pipeline-parallel-size", str(size)] + list(extra)
    if shell:
        line = "vllm serve " + " ".join(common)
        line += " --nnodes $LWS_GROUP_SIZE --node-rank $LWS_WORKER_INDEX --master-addr $LWS_LEADER_ADDRESS"

    def container(role):
        words = common + ["--nnodes", "$(LWS_GROUP_SIZE)", "--node-rank", "$(LWS_WORKER_INDEX)",
                          "--master-addr", "$(LWS_LEADER_ADDRESS)"]
        words += ["--port", "8080"] if role == "leader" else ["--headless"]
        text = f"          - name: vllm-{role}\n            image: vllm/vllm-openai:v{version}\n"
        if shell:
            tail = " --port 8080" if role == "leader" else " --headless"
            text += f"            command: [\"sh\", \"-c\"]\n            args:\n            - >-\n              {line}{tail}\n"
        elif flow:
            text += "            command: [\"vllm\", \"serve\"]\n            args: [" + ", ".join(f'"{w}"' for w in words) + "]\n"
        else:
            text += "            command:\n            - vllm\n            - serve\n            args:\n" + block(words, 12)
        text += "            env:\n" + env_yaml(env, 12)
        text += f"            resources:\n              limits:\n                nvidia.com/gpu: \"{gpus}\"\n                memory: 400Gi\n"
        if rdma:
            text += f"                {rdma}: 1\n            securityContext:\n              capabilities:\n                add: [\"IPC_LOCK\"]\n"
        if role == "leader":
            text += ("            ports:\n            - containerPort: 8080\n            readinessProbe:\n              tcpSocket:\n"
                     "                port: 8080\n              initialDelaySeconds: 15\n              periodSeconds: 10\n")
        text += "            volumeMounts:\n            - mountPath: /dev/shm\n              name: dshm\n"
        return text

    host = "        hostNetwork: true\n        dnsPolicy: ClusterFirstWithHostNet\n" if host_network else ""
    volumes = "        volumes:\n        - name: dshm\n          emptyDir:\n            medium: Memory\n            sizeLimit: 15Gi\n"
    return f"""apiVersion: leaderworkerset.x-k8s.io/v1
kind: LeaderWorkerSet
metadata:
  name: {name}
spec:
  replicas: 1
  startupPolicy: LeaderCreated
  leaderWorkerTemplate:
    size: {size}
    restartPolicy: RecreateGroupOnPodRestart
    leaderTemplate:
      metadata:
        labels:
          role: leader
      spec:
{host}        containers:
{container("leader")}{volumes}    workerTemplate:
      spec:
{host}        containers:
{container("worker")}{volumes}---
apiVersion: v1
kind: Service
metadata:
  name: {name}-leader
spec:
  ports:
  - name: http
    port: 8080
    protocol: TCP
    targetPort: 8080
  selector:
    role: leader
  type: ClusterIP
"""


def lws_ray(name, version, model, size, gpus):
    def container(role, command):
        return f"""        - name: vllm-{role}
          image: vllm/vllm-openai:v{version}
          env:
          - name: HF_TOKEN
            valueFrom:
              secretKeyRef:
                name: hub
                key: token
          - name: PYTHONUNBUFFERED
            value: "1"
          command:
          - sh
          - -c
          - "{command}"
          resources:
            limits:
              nvidia.com/gpu: "{gpus}"
          volumeMounts:
          - mountPath: /dev/shm
            name: dshm
"""
    leader = ("bash /vllm-workspace/examples/online_serving/multi-node-serving.sh leader --ray_cluster_size=$(LWS_GROUP_SIZE); "
              f"python3 -m vllm.entrypoints.openai.api_server --port 8080 --model {model} --tensor-parallel-size {gpus} "
              f"--pipeline-parallel-size {size} --distributed-executor-backend ray")
    worker = "bash /vllm-workspace/examples/online_serving/multi-node-serving.sh worker --ray_address=$(LWS_LEADER_ADDRESS)"
    volumes = "        volumes:\n        - name: dshm\n          emptyDir: {medium: Memory, sizeLimit: 16Gi}\n"
    return f"""apiVersion: leaderworkerset.x-k8s.io/v1
kind: LeaderWorkerSet
metadata: {{name: {name}}}
spec:
  replicas: 1
  leaderWorkerTemplate:
    size: {size}
    leaderTemplate:
      spec:
        containers:
{container("leader", leader)}{volumes}    workerTemplate:
      spec:
        containers:
{container("worker", worker)}{volumes}"""


def deployment(name, version, model, gpus, extra=(), env=None, replicas=1, user=None, port=8000, server="vllm serve", claim=None):
    words = server.split() if server else []
    head = f"        command: {words!r}\n".replace("'", '"') if words else ""
    args = ([model] if words else ["--model", model]) + (["--tensor-parallel-size", str(gpus)] if gpus > 1 else [])
    if port != 8000:
        args += ["--port", str(port)]
    args += list(extra)
    security = f"      securityContext:\n        runAsUser: {user}\n        fsGroup: {user}\n" if user else ""
    volume = f"      - name: models\n        persistentVolumeClaim:\n          claimName: {claim}\n" if claim else ""
    mount = "        - name: models\n          mountPath: /models\n" if claim else ""
    return f"""apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  namespace: serving
  labels:
    app: {name}
spec:
  replicas: {replicas}
  selector:
    matchLabels:
      app: {name}
  template:
    metadata:
      labels:
        app: {name}
    spec:
{security}      containers:
      - name: server
        image: vllm/vllm-openai:v{version}
{head}        args:
{block(args, 8)}        env:
{env_yaml(dict({"PYTHONUNBUFFERED": "1"}, **(env or {})), 8)}        ports:
        - containerPort: {port}
        resources:
          requests:
            cpu: "8"
            memory: 64Gi
            nvidia.com/gpu: {gpus}
          limits:
            memory: 128Gi
            nvidia.com/gpu: {gpus}
        startupProbe:
          httpGet:
            path: /health
            port: {port}
          periodSeconds: 10
          failureThreshold: 360
        livenessProbe:
          httpGet:
            path: /health
            port: {port}
          periodSeconds: 15
        volumeMounts:
        - name: shm
          mountPath: /dev/shm
{mount}      volumes:
      - name: shm
        emptyDir:
          medium: Memory
          sizeLimit: 8Gi
{volume}---
apiVersion: v1
kind: Service
metadata:
  name: {name}-api
  namespace: serving
spec:
  selector:
    app: {name}
  ports:
  - port: 80
    targetPort: {port}
"""


def stateful(name, version, model, gpus):
    return deployment(name, version, model, gpus).replace("kind: Deployment", "kind: StatefulSet").replace(
        "spec:\n  replicas: 1\n", f"spec:\n  serviceName: {name}-api\n  replicas: 1\n", 1)


def pod(name, version, model, gpus):
    return f"""apiVersion: v1
kind: Pod
metadata:
  name: {name}
spec:
  restartPolicy: Never
  hostIPC: true
  containers:
  - name: vllm
    image: vllm/vllm-openai:v{version}
    args: ["--model", "{model}", "--tensor-parallel-size={gpus}", "--max-model-len=16k"]
    resources: {{limits: {{nvidia.com/gpu: {gpus}}}}}
    env:
    - name: HF_HOME
      value: /cache/hf
    - name: VLLM_LOGGING_LEVEL
      value: INFO
"""


def job(name, version, model, nodes, gpus):
    line = (f"vllm serve {model} --tensor-parallel-size {gpus} --pipeline-parallel-size {nodes} --nnodes {nodes} "
            "--node-rank $JOB_COMPLETION_INDEX --master-addr batch-0.batch $( [ $JOB_COMPLETION_INDEX -gt 0 ] && echo --headless )")
    return f"""apiVersion: batch/v1
kind: Job
metadata:
  name: {name}
spec:
  completionMode: Indexed
  parallelism: {nodes}
  completions: {nodes}
  template:
    spec:
      restartPolicy: Never
      subdomain: batch
      containers:
      - name: vllm
        image: vllm/vllm-openai:v{version}
        command: ["bash", "-c"]
        args:
        - |
          set -e
          export NCCL_SOCKET_IFNAME=eth0
          exec {line}
        resources:
          limits:
            nvidia.com/gpu: {gpus}
        volumeMounts:
        - {{name: shm, mountPath: /dev/shm}}
      volumes:
      - name: shm
        emptyDir: {{medium: Memory, sizeLimit: 16Gi}}
"""


def ray_cluster(name, version, kind, nodes, gpus, model):
    serve = f"vllm serve {model} --tensor-parallel-size {gpus} --pipeline-parallel-size {nodes} --distributed-executor-backend ray"
    spec = f"""headGroupSpec:
  rayStartParams:
    dashboard-host: 0.0.0.0
  template:
    spec:
      containers:
      - name: ray-head
        image: vllm/vllm-openai:v{version}
        resources:
          limits:
            nvidia.com/gpu: {gpus}
        env:
        - name: GLOO_SOCKET_IFNAME
          value: eth0
        volumeMounts:
        - name: shm
          mountPath: /dev/shm
      volumes:
      - name: shm
        emptyDir:
          medium: Memory
workerGroupSpecs:
- groupName: gpu
  replicas: {nodes - 1}
  template:
    spec:
      containers:
      - name: ray-worker
        image: vllm/vllm-openai:v{version}
        resources:
          limits:
            nvidia.com/gpu: {gpus}
        env:
        - name: GLOO_SOCKET_IFNAME
          value: eth0
        volumeMounts:
        - name: shm
          mountPath: /dev/shm
      volumes:
      - name: shm
        emptyDir:
          medium: Memory
"""
    pad = lambda n: "".join(" " * n + l + "\n" for l in spec.splitlines())
    head = f"apiVersion: ray.io/v1\nkind: {kind}\nmetadata:\n  name: {name}\nspec:\n"
    if kind == "RayCluster":
        return head + pad(2)
    key = "rayClusterConfig" if kind == "RayService" else "rayClusterSpec"
    entry = f"  entrypoint: {serve}\n" if kind == "RayJob" else ""
    return head + entry + f"  {key}:\n" + pad(4)


def compose(version, model, gpus, style):
    words = ["--model", model, "--tensor-parallel-size", str(gpus), "--max-model-len", "32768"]
    command = {"list": "    command:\n" + block(words, 4),
               "text": "    command: " + " ".join(words) + "\n",
               "folded": "    command: >\n      " + " ".join(words[:4]) + "\n      " + " ".join(words[4:]) + "\n",
               "flow": "    command: [" + ", ".join(f'"{w}"' for w in words) + "]\n"}[style]
    env = ("    environment:\n      - HF_HOME=/models\n      - NCCL_DEBUG=WARN\n      - HF_TOKEN=${HF_TOKEN}\n" if style != "text" else
           "    environment:\n      HF_HOME: /models\n      NCCL_DEBUG: WARN\n      HF_TOKEN: ${HF_TOKEN}\n")
    shm = "    ipc: host\n" if style == "flow" else "    shm_size: 16gb\n"
    return f"""services:
  api:
    image: vllm/vllm-openai:v{version}
{command}{env}{shm}    ports:
      - "8000:8000"
    volumes:
      - ./models:/models
    deploy:
      resources:
        reservations:
          devices:
            - driver: nvidia
              count: {gpus}
              capabilities: [gpu]
  proxy:
    image: nginx:1.27
    depends_on: [api]
"""


def docker(version, model, gpus, style):
    devices = ",".join(str(i) for i in range(gpus))
    if style == "short":
        return f"docker run --rm --gpus all --ipc=host -p 8000:8000 vllm/vllm-openai:v{version} --model {model} --tensor-parallel-size {gpus}\n"
    if style == "long":
        return f"""#!/bin/bash
set -euo pipefail
docker run -d --name vllm \\
  --gpus '"device={devices}"' \\
  --shm-size=16g \\
  --ulimit memlock=-1 \\
  -v "$HOME/.cache/huggingface:/root/.cache/huggingface" \\
  -e HF_TOKEN \\
  -e NCCL_DEBUG=WARN \\
  -p 8000:8000 \\
  vllm/vllm-openai:v{version} \\
  --model {model} \\
  --tensor-parallel-size {gpus} \\
  --gpu-memory-utilization 0.90 \\
  --max-num-seqs 128
"""
    return f"""# the same on both hosts, with RANK 0 on the first
docker run --rm --network host --ipc=host --gpus all \\
  --cap-add IPC_LOCK --ulimit memlock=-1 --device /dev/infiniband \\
  -e VLLM_HOST_IP=$(hostname -i) -e NCCL_SOCKET_IFNAME=bond0 \\
  --entrypoint vllm vllm/vllm-openai:v{version} \\
  serve {model} -tp {gpus} -pp 2 --nnodes 2 --node-rank $RANK --master-addr $HEAD $EXTRA
"""


def slurm(nodes, gpus, model, style, gres=False):
    ask = f"#SBATCH --gres=gpu:{gpus}" if gres else f"#SBATCH --gpus-per-node={gpus}"
    head = f"""#!/bin/bash
#SBATCH --job-name=vllm
#SBATCH --nodes={nodes}
#SBATCH --ntasks-per-node=1
{ask}
#SBATCH --time=04:00:00
#SBATCH --output=%x-%j.log

"""
    if style == "single":
        return head + f"module load cuda\nsource venv/bin/activate\nexport HF_HOME=$SCRATCH/hf\nsrun vllm serve {model} --tensor-parallel-size {gpus} --port 8000\n"
    if style == "mp":
        return head + f"""export NCCL_DEBUG=WARN
export GLOO_SOCKET_IFNAME=ib0
HEAD=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
srun bash -c '
  [ "$SLURM_NODEID" -gt 0 ] && ROLE=--headless
  exec vllm serve {model} \\
    --tensor-parallel-size {gpus} \\
    --pipeline-parallel-size {nodes} \\
    --nnodes $SLURM_NNODES --node-rank $SLURM_NODEID \\
    --master-addr '"$HEAD"' $ROLE
'
"""
    return head + f"""nodes=($(scontrol show hostnames "$SLURM_JOB_NODELIST"))
head=${{nodes[0]}}
srun --nodes=1 --ntasks=1 -w "$head" ray start --head --port=6379 --block &
sleep 20
for ((i = 1; i < SLURM_JOB_NUM_NODES; i++)); do
  srun --nodes=1 --ntasks=1 -w "${{nodes[$i]}}" ray start --address="$head:6379" --block &
done
sleep 20
srun --overlap --nodes=1 --ntasks=1 -w "$head" vllm serve {model} \\
  --tensor-parallel-size {gpus} --pipeline-parallel-size {nodes} \\
  --distributed-executor-backend ray
"""


def runai(version, model, workers, gpus, style):
    pods = workers + 1
    head = f"""runai inference distributed submit chat-{workers} \\
  --project nlp \\
  --image vllm/vllm-openai:v{version} \\
  --workers {workers} \\
  -g {gpus} \\
  --large-shm \\
  --existing-pvc claimname=models,path=/models \\
  --environment-variable HF_HUB_OFFLINE=1 \\
  --environment-variable PYTHONUNBUFFERED=1 \\
  --env-pod-field-ref VLLM_HOST_IP=status.podIP \\
  --serving-port 8000 \\
"""
    line = (f"vllm serve {model} --tensor-parallel-size {gpus} --pipeline-parallel-size {pods} --nnodes {pods} "
            "--node-rank $(LWS_WORKER_INDEX) --master-addr $(LWS_LEADER_ADDRESS)")
    if style == "command":
        return head + f"  --command '{line} --port 8000' \\\n  --worker-command '{line} --headless'\n"
    if style == "shell":
        return head + f"  --command 'sh -c \"{line} --port 8000\"' \\\n  --worker-command 'sh -c \"{line} --headless\"'\n"
    single = head.replace(f"  --workers {workers} \\\n", "").replace("distributed ", "")
    return single + f"  -- --model {model} --tensor-parallel-size {gpus} --max-model-len 16384\n"


def script(model, gpus, style):
    if style == "plain":
        return f"#!/bin/sh\nexport HF_HUB_OFFLINE=1\nexport VLLM_LOGGING_LEVEL=INFO\nexec vllm serve {model} --tensor-parallel-size {gpus} --port 8000\n"
    if style == "array":
        return f"""#!/usr/bin/env bash
# Starts the server of this host.
set -euo pipefail
MODEL={model}
TP={gpus}
ARGS=(
  --tensor-parallel-size "$TP"
  --max-model-len 32768
  --gpu-memory-utilization 0.9
  --enable-prefix-caching
)
export NCCL_DEBUG=WARN NCCL_IB_HCA=mlx5
vllm serve "$MODEL" "${{ARGS[@]}}"
"""
    if style == "case":
        return f"""#!/bin/bash
export NCCL_SOCKET_IFNAME=eth0
export GLOO_SOCKET_IFNAME=eth0
COMMON="--tensor-parallel-size {gpus} --pipeline-parallel-size 2 --nnodes 2 --master-addr 10.1.0.10"
case "$1" in
  head) vllm serve {model} $COMMON --node-rank 0 ;;
  *) vllm serve {model} $COMMON --node-rank "$1" --headless ;;
esac
"""
    if style == "python":
        return (f"CUDA_VISIBLE_DEVICES={','.join(str(i) for i in range(gpus))} NCCL_DEBUG=WARN python3 -m vllm.entrypoints.openai.api_server "
                f"--model {model} --tensor-parallel-size {gpus} --dtype bfloat16 --served-model-name chat\n")
    return f"""#!/bin/bash
# Two hosts, data parallel attention with expert parallel layers.
if [ "$(hostname)" = node0 ]; then
  vllm serve {model} --data-parallel-size {2 * gpus} --data-parallel-size-local {gpus} \\
    --data-parallel-address 10.0.0.1 --data-parallel-rpc-port 13345 --enable-expert-parallel
else
  vllm serve {model} --headless --data-parallel-size {2 * gpus} --data-parallel-size-local {gpus} \\
    --data-parallel-start-rank {gpus} --data-parallel-address 10.0.0.1 --data-parallel-rpc-port 13345 --enable-expert-parallel
fi
"""


def environment(style):
    names = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOSTNAME": "vllm-0-1", "HF_HOME": "/models", "NCCL_VERSION": "2.27.3-1",
             "NCCL_DEBUG": "WARN", "NCCL_SOCKET_IFNAME": "eth0", "NCCL_IB_TC": "106", "VLLM_HOST_IP": "10.244.1.15",
             "VLLM_USAGE_SOURCE": "production-docker-image", "CUDA_HOME": "/usr/local/cuda", "LWS_GROUP_SIZE": "2",
             "LWS_WORKER_INDEX": "1", "LWS_LEADER_ADDRESS": "vllm-0.vllm", "NVIDIA_VISIBLE_DEVICES": "all",
             "KUBERNETES_SERVICE_HOST": "10.96.0.1", "CHAT_SERVICE_PORT": "80", "TORCH_NCCL_HEARTBEAT_TIMEOUT_SEC": "600"}
    if style == "nul":
        return "".join(f"{k}={v}\0" for k, v in names.items())
    if style == "export":
        return "".join(f"export {k}={v}\n" for k, v in names.items() if k not in ("PATH",))
    return "".join(f"{k}={v}\n" for k, v in names.items())


def samples():
    """File name to text; 50 of them."""
    q, m = "Qwen/Qwen3-32B", "/models/large"
    out = {
        "lws-args.yaml": lws("chat", "0.12.0", q, 2, 8),
        "lws-args-3.yaml": lws("chat3", "0.15.0", m, 3, 4, extra=["--max-model-len", "65536"]),
        "lws-rdma.yaml": lws("chat-ib", "0.16.0", m, 2, 8, rdma="rdma/hca_shared_devices_a", env={"NCCL_IB_HCA": "mlx5"}),
        "lws-flow.yaml": lws("flow", "0.18.0", q, 2, 4, flow=True, extra=["--kv-cache-dtype", "fp8"]),
        "lws-shell.yaml": lws("shell", "0.14.0", q, 2, 4, shell=True),
        "lws-host.yaml": lws("host", "0.20.0", m, 4, 8, host_network=True, env={"NCCL_SOCKET_IFNAME": "bond0"}),
        "lws-expert.yaml": lws("expert", "0.19.0", m, 2, 8, extra=["--enable-expert-parallel", "--trust-remote-code"]),
        "lws-ray.yaml": lws_ray("ray", "0.10.2", q, 2, 8),
        "lws-ray-4.yaml": lws_ray("ray4", "0.9.2", m, 4, 4),
        "deployment-1.yaml": deployment("small", "0.10.1", "mistralai/Mistral-7B-Instruct-v0.3", 1),
        "deployment-4.yaml": deployment("four", "0.11.0", q, 4, extra=["--max-num-seqs", "256"]),
        "deployment-pvc.yaml": deployment("offline", "0.13.0", m, 8, env={"HF_HUB_OFFLINE": "1"}, claim="models", user=1000),
        "deployment-image.yaml": deployment("image", "0.8.5", q, 2, server="", port=8080),
        "deployment-token.yaml": deployment("token", "0.22.0", q, 2, env={"HF_TOKEN": "secret:hub/token"}),
        "deployment-replicas.yaml": deployment("wide", "0.9.1", q, 1, replicas=3, extra=["--enable-lora", "--max-loras", "4"]),
        "deployment-tools.yaml": deployment("tools", "0.17.0", q, 4, extra=["--enable-auto-tool-choice", "--tool-call-parser", "hermes"]),
        "stateful.yaml": stateful("state", "0.12.0", q, 2),
        "pod.yaml": pod("one", "0.11.0", q, 4),
        "pod-8.yaml": pod("eight", "0.15.0", m, 8),
        "job.yaml": job("batch", "0.13.0", m, 2, 8),
        "ray-cluster.yaml": ray_cluster("rc", "0.10.0", "RayCluster", 2, 8, m),
        "ray-service.yaml": ray_cluster("rs", "0.11.0", "RayService", 2, 4, m),
        "ray-job.yaml": ray_cluster("rj", "0.9.0", "RayJob", 4, 8, m),
        "compose-list.yaml": compose("0.11.0", q, 2, "list"),
        "compose-text.yaml": compose("0.10.0", q, 4, "text"),
        "compose-folded.yaml": compose("0.12.0", q, 2, "folded"),
        "compose-flow.yaml": compose("0.16.0", m, 8, "flow"),
        "docker-short.sh": docker("0.10.2", q, 4, "short"),
        "docker-long.sh": docker("0.11.0", q, 2, "long"),
        "docker-long-8.sh": docker("0.18.0", m, 8, "long"),
        "docker-two.sh": docker("0.14.0", m, 8, "two"),
        "slurm-single.sbatch": slurm(1, 4, q, "single"),
        "slurm-gres.sbatch": slurm(1, 8, m, "single", gres=True),
        "slurm-mp.sbatch": slurm(2, 8, m, "mp"),
        "slurm-mp-4.sbatch": slurm(4, 4, m, "mp", gres=True),
        "slurm-ray.sbatch": slurm(2, 4, m, "ray"),
        "runai-command.sh": runai("0.12.0", "/models/chat", 1, 2, "command"),
        "runai-command-3.sh": runai("0.16.0", "/models/chat", 3, 8, "command"),
        "runai-shell.sh": runai("0.13.0", "/models/chat", 1, 4, "shell"),
        "runai-single.sh": runai("0.11.0", "/models/chat", 1, 4, "single"),
        "runai-single-8.sh": runai("0.19.0", "/models/chat", 1, 8, "single"),
        "script-plain.sh": script(q, 4, "plain"),
        "script-array.sh": script(q, 2, "array"),
        "script-case.sh": script(m, 8, "case"),
        "script-python.sh": script(q, 4, "python"),
        "script-experts.sh": script(m, 8, "experts"),
        "process.env": environment("lines"),
        "environ": environment("nul"),
        "exports.sh": environment("export"),
        "lws-debug.yaml": lws("debug", "0.21.0", q, 2, 2, env={"NCCL_DEBUG": "WARN", "TORCH_NCCL_HEARTBEAT_TIMEOUT_SEC": "900"}),
    }
    assert len(out) == 50, len(out)
    return out
