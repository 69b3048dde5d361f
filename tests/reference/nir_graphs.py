"""NIR graphs: fixtures made by the Python package `nir`, and a check of exported networks in other simulators.

    pip install nir h5py numpy            # and, for the second simulator: jax spyx
    python tests/reference/nir_graphs.py fixtures tests/data/nir
    python tests/reference/nir_graphs.py verify target/release/snnc

`fixtures` writes small graphs and, beside two of them, the spikes that a plain loop over NIR's equations gives for a constant
input. `verify` trains small programs, exports them, runs the files in that loop and in Spyx, and compares the spikes with those
of the program's own network: each field is a trace of one neuron's spikes summed over the steps, so that a spike that is
missing, too many or in another step shows.
"""

import os
import subprocess
import sys
import tempfile

import nir
import numpy as np

DT = 1e-3


def order(graph):
    """Nodes in the order they are worked out; edges that bring the value of the step before."""
    delayed = {e for e in graph.edges if type(graph.nodes[e[0]]).__name__ in ("LIF", "CubaLIF", "IF") and leads(graph, e[1], e[0])}
    done, out = set(), []
    while len(out) < len(graph.nodes):
        for name in graph.nodes:
            needs = {a for a, b in graph.edges if b == name and (a, b) not in delayed}
            if name not in done and needs <= done:
                done.add(name)
                out.append(name)
    return out, delayed


def leads(graph, a, b):
    seen, todo = set(), [a]
    while todo:
        n = todo.pop()
        if n == b:
            return True
        if n not in seen:
            seen.add(n)
            todo += [t for s, t in graph.edges if s == n]
    return False


def simulate(graph, inputs, steps, dt, watch):
    """NIR's equations in single precision, each step exact for an input that is held over it (`integrate` in a node's metadata:
    by Euler's method). `inputs`: values of each Input node. The outputs of the nodes `watch`, [steps][units]."""
    f = np.float32
    names, delayed = order(graph)
    state = {n: {} for n in names}
    wide = lambda n: int(np.prod(next(iter(graph.nodes[n].output_type.values()))))
    before = {n: np.zeros(wide(n), f) for n in names}
    seen = {n: [] for n in watch}
    for _ in range(steps):
        now = {}
        for name in names:
            node, kind = graph.nodes[name], type(graph.nodes[name]).__name__
            into = [(before if (a, b) in delayed else now)[a] for a, b in graph.edges if b == name]
            x = sum(into[1:], into[0]) if into else f(inputs.get(name, 0))
            s = state[name]
            euler = str((node.metadata or {}).get("integrate", "")) == "euler"

            def flow(v, tau, target):
                k = f(1 - dt / tau) if euler else np.exp(-dt / np.asarray(tau, float)).astype(f)
                return k * v + (f(1) - k) * target

            def fire(v):
                z = v > node.v_threshold.astype(f)
                kept = str((node.metadata or {}).get("reset", "")) == "subtract"
                s["v"] = np.where(z, v - node.v_threshold.astype(f) if kept else node.v_reset.astype(f), v)
                return z.astype(f)

            if kind == "Affine":
                y = node.weight.astype(f) @ x + node.bias.astype(f)
            elif kind == "Linear":
                y = node.weight.astype(f) @ x
            elif kind == "Threshold":
                y = (x > node.threshold.astype(f)).astype(f)
            elif kind in ("LIF", "LI"):
                v = flow(s.get("v", f(0)), node.tau, node.v_leak.astype(f) + node.r.astype(f) * x)
                y = s["v"] = v
                if kind == "LIF":
                    y = fire(v)
            elif kind in ("CubaLIF", "CubaLI"):
                i = s.get("i", f(0))
                v = flow(s.get("v", f(0)), node.tau_mem, node.v_leak.astype(f) + node.r.astype(f) * i)
                s["i"] = flow(i, node.tau_syn, node.w_in.astype(f) * x)
                y = s["v"] = v
                if kind == "CubaLIF":
                    y = fire(v)
            elif kind in ("IF", "I"):
                v = s.get("v", f(0)) + (node.r * dt).astype(f) * x
                y = s["v"] = v
                if kind == "IF":
                    y = fire(v)
            elif kind == "Delay":
                late = s.setdefault("late", [0 * x] * round(float(node.delay[0]) / dt))
                late.append(x)
                y = late.pop(0)
            elif kind in ("Input", "Output"):
                y = np.asarray(x, f)
            else:
                raise ValueError(kind)
            now[name] = y
        before = now
        for n in watch:
            seen[n].append(np.broadcast_to(now[n], np.shape(now[n])))
    return {n: np.array(v) for n, v in seen.items()}


# ---- fixtures ----------------------------------------------------------------------------------------------------------


def net(nodes, edges):
    return nir.NIRGraph(nodes=nodes, edges=edges, type_check=False)


def width(n):
    return np.array([n])


def fixtures(folder):
    os.makedirs(folder, exist_ok=True)
    r = np.random.default_rng(5)
    f = lambda *shape: r.normal(size=shape).astype(np.float32)
    ones = lambda n: np.ones(n, np.float32)
    recurrent = net(
        {
            "input": nir.Input(width(2)),
            "fc1": nir.Affine(3 * f(12, 2), 2 + f(12)),
            "lif1": nir.LIF(0.01 + 0.01 * r.random(12), ones(12), 0 * ones(12), 0.5 + 0.5 * r.random(12), 0.1 * f(12)),
            "rec": nir.Linear(1.5 * f(12, 12)),
            "fc2": nir.Linear(2 * f(6, 12)),
            "lif2": nir.LIF(0.02 * ones(6), 3 * ones(6), 0.2 * ones(6), ones(6), 0 * ones(6)),
            "output": nir.Output(width(6)),
        },
        [("input", "fc1"), ("fc1", "lif1"), ("lif1", "rec"), ("rec", "lif1"), ("lif1", "fc2"), ("fc2", "lif2"), ("lif2", "output")],
    )
    nir.write(f"{folder}/recurrent.nir", recurrent)
    spikes(folder, "recurrent", recurrent, [0.25, -0.5], 80, ["lif1", "lif2"])
    inner = net(
        {
            "input": nir.Input(width(5)),
            "cuba": nir.CubaLIF(0.004 * ones(5), 0.012 * ones(5), 2 * ones(5), 0 * ones(5), ones(5), 0 * ones(5), 1.5 * ones(5)),
            "output": nir.Output(width(5)),
        },
        [("input", "cuba"), ("cuba", "output")],
    )
    nested = net(
        {
            "input": nir.Input(width(1)),
            "0": nir.Affine(2 * f(5, 1), 1.5 + f(5)),
            "block": inner,
            "2": nir.Scale(np.linspace(1, 3, 5).astype(np.float32)),
            "if": nir.IF(60 * ones(5), ones(5), 0 * ones(5)),
            "3": nir.Linear(f(3, 5)),
            "li": nir.LI(0.03 * ones(3), ones(3), 0 * ones(3)),
            "th": nir.Threshold(0.05 * ones(3)),
            "output": nir.Output(width(3)),
        },
        [("input", "0"), ("0", "block"), ("block", "2"), ("2", "if"), ("if", "3"), ("3", "li"), ("li", "th"), ("th", "output")],
    )
    nir.write(f"{folder}/nested.nir", nested)
    flat = net(
        {**{k: v for k, v in nested.nodes.items() if k not in ("block", "2")}, "block": inner.nodes["cuba"],
         "2": nir.Linear(np.diag(nested.nodes["2"].scale))},
        nested.edges,
    )
    spikes(folder, "nested", flat, [0.75], 80, ["block", "if", "th"])
    conv = net(
        {
            "input": nir.Input(np.array([1, 4, 4])),
            "conv": nir.Conv2d((4, 4), f(2, 1, 3, 3), 1, 1, 1, 1, f(2)),
            "flat": nir.Flatten({"input": np.array([2, 4, 4])}, 0, -1),
            "output": nir.Output(width(32)),
        },
        [("input", "conv"), ("conv", "flat"), ("flat", "output")],
    )
    nir.write(f"{folder}/conv.nir", conv)
    wrong = net(
        {
            "input": nir.Input(width(2)),
            "fc": nir.Linear(f(3, 2)),
            "lif": nir.LIF(np.array([0.01, 0.0, 0.01]), ones(3), 0 * ones(3), ones(3)),
            "slow": nir.Delay(np.array([0.002, np.nan, 0.002])),
            "output": nir.Output(width(3)),
        },
        [("input", "fc"), ("fc", "lif"), ("lif", "slow"), ("slow", "output")],
    )
    nir.write(f"{folder}/parameters.nir", wrong)
    loose = net(
        {"input": nir.Input(width(2)), "fc": nir.Linear(f(3, 4)), "alone": nir.LI(ones(3), ones(3), ones(3))},
        [("input", "fc"), ("fc", "nowhere")],
    )
    nir.write(f"{folder}/structure.nir", loose)


def spikes(folder, name, graph, x, steps, watch):
    """`NODE STEP UNIT` a line."""
    found = simulate(graph, {"input": np.array(x)}, steps, DT, watch)
    with open(f"{folder}/{name}.txt", "w") as out:
        print("# input", *x, "steps", steps, file=out)
        for node in watch:
            for step, unit in zip(*np.nonzero(found[node])):
                print(node, step, unit, file=out)
            print(f"{name}: {int(found[node].sum())} spikes of {node}")


# ---- exported networks -----------------------------------------------------------------------------------------------

HEAD = """domain {{ x in -1 .. 1  t in 0 .. 2 }}
neuron hard(tau = 10, theta = 1) {{ input i  state v = 0  flow v' = (i - v)/tau  {method}  spike when v {test} theta  reset v = 0 }}
neuron cuba(tau = 10, tau_s = 4) {{ input i  state v = 0, s = 0  flow v' = (s - v)/tau  flow s' = (i - s)/tau_s  spike when v >= 1  reset v = 0 }}
neuron above(at = 1) {{ input i  state v = 0  update v := i  spike when v > at }}
neuron sum_up(tau = 8) {{ input i  state v = 0  flow v' = i - v/tau  integrate euler }}
network net(x, t) {{
  steps {steps}
{layers}
  output {fields} = h |> ema(tau = 9) |> sum
}}
{residuals}
exact u1 = 0
train {{ seed 3  phase one {{ perturb gaussian(sigma = 0.01) directions 1  estimate difference  update sgd(rate = 1e-9)  steps 1 }} }}
report {{ metric m = max_error(u1) on grid(x = 7, t = 5)  save "fields.npz" }}
"""

CASES = [
    ("LIF, exact, recurrent", 8, dict(method="", test=">="), "  layer a = current(x, t) |> dense(20, init = normal(3), bias = uniform(0, 4)) |> hard(tau = 12)\n"
     "  layer h = a |> recurrent(8, init = normal(4), recurrent = normal(3), bias = uniform(0, 4)) |> hard(tau = 20)", []),
    ("LIF, Euler, a threshold that is exceeded", 8, dict(method="integrate euler", test=">"), "  layer a = raw(x, t) |> current |> dense(20, init = normal(3), bias = uniform(0, 4)) |> hard(tau = 12)\n"
     "  layer h = ((a |> dense(8, init = normal(3))) + (delay(a, 3) |> dense(8, init = normal(3)))) |> hard(tau = 6)", []),
    ("CubaLIF", 8, dict(method="", test=">="), "  layer a = current(x, t) |> dense(20, init = normal(3), bias = uniform(0, 4)) |> cuba(tau = 8)\n"
     "  layer h = a |> dense(8, init = normal(4), bias = uniform(0, 3)) |> cuba", []),
    ("IF, reset by subtraction", 8, dict(method="", test=">="), "  layer a = current(x, t) |> dense(20, init = normal(0.4), bias = uniform(0, 0.4)) |> if\n"
     "  layer h = a |> dense(8, init = normal(0.4), bias = none) |> if", ["--subtractive"]),
    ("LI and a threshold", 8, dict(method="", test=">="), "  layer m = current(x, t) |> dense(8, init = normal(0.4), bias = uniform(0, 0.4)) |> sum_up\n"
     "  layer h = m |> above(at = 1.5)", []),
]


def verify(snnc):
    snnc = os.path.abspath(snnc)
    worst = 0
    for name, n, words, layers, options in CASES:
        steps = 60
        fields = [f"u{k + 1}" for k in range(n)]
        residuals = "\n".join(f"residual r{f} on grid(x = 3, t = 3) : {f} = 0" for f in fields)
        text = HEAD.format(steps=steps, layers=layers, fields=", ".join(fields), residuals=residuals, **words)
        with tempfile.TemporaryDirectory() as folder:
            run = lambda *a: subprocess.run([snnc, *a], cwd=folder, check=False, capture_output=True, text=True)
            open(f"{folder}/net.snn", "w").write(text)
            for command in (["run", "net.snn", "--quiet", "--out", "out"], ["export", "out", "--to", "net.nir", *options]):
                done = run(*command)
                if done.returncode != 0:
                    sys.exit(f"{name}: {done.stdout}{done.stderr}")
            graph = nir.read(f"{folder}/net.nir")
            data = np.load(f"{folder}/out/fields.npz")
            worst = max(worst, compare(name, graph, data, fields, steps))
    sys.exit(1 if worst else 0)


def compare(name, graph, data, fields, steps):
    keep = np.exp(-1 / 9)
    trace = lambda z: ((1 - keep) * np.cumsum(keep ** np.arange(len(z)))[::-1][:, None] * z).sum(0)
    spikes = [n for n in graph.nodes if n.startswith("h_") and type(graph.nodes[n]).__name__ in ("LIF", "CubaLIF", "IF", "Threshold")]
    points, wrong, other, total = 0, 0, None, 0
    for i, x in enumerate(data["x"]):
        for j, t in enumerate(data["t"]):
            own = np.array([data[f][i, j] for f in fields])
            z = simulate(graph, {"input": np.array([x, t])}, steps, DT, spikes)[spikes[0]]
            wrong += int((abs(trace(z) - own) > 1e-4).sum())
            total += int(z.sum())
            points += 1
            second = spyx_spikes(graph, [x, t], steps)
            if second is not None:
                other = (other or 0) + int((abs(trace(second) - own) > 1e-4).sum())
    said = "" if other is None else f"; in Spyx {other} do"
    print(f"{name}: {total} spikes of {len(fields)} neurons at {points} points; in a loop over NIR's equations {wrong} neurons differ{said}")
    return wrong + (other or 0)


def spyx_spikes(graph, x, steps):
    """The last layer's spikes in Spyx, for graphs that mean the same to it: it ignores `r`, takes the threshold off, and puts a
    spike of IF out one step later. None for others, or without Spyx."""
    kinds = [type(n).__name__ for n in graph.nodes.values()]
    neurons = [k for k in kinds if k in ("LIF", "CubaLIF", "IF", "Threshold")]
    if "IF" in neurons and set(neurons) == {"IF"}:
        late = len(neurons)
    elif neurons == ["Threshold"]:
        late = 0
    else:
        return None
    try:
        import spyx.nir
    except ImportError:
        return None
    chain = {a: b for a, b in graph.edges}
    nodes, at = {"input": graph.nodes["input"]}, chain["input"]
    while not at.startswith("output"):
        nodes[at], at = graph.nodes[at], chain[at]
    last = list(nodes)[-1]
    nodes["output"] = nir.Output(graph.nodes[last].output_type)
    names = list(nodes)
    cut = nir.NIRGraph(nodes=nodes, edges=list(zip(names, names[1:])), type_check=False)
    data = np.broadcast_to(np.array(x, np.float32), (steps + late, 1, len(x)))
    _, out = spyx.nir.from_nir(cut, data, dt=DT)
    return np.asarray(out)[late:, 0]


if __name__ == "__main__":
    {"fixtures": fixtures, "verify": verify}[sys.argv[1]](sys.argv[2])
