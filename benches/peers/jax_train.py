"""Back-propagation through time with a surrogate, on the very network and loss of a program of snnc.

    snnc emit wave.snn --stage rows --out wave.safetensors
    python jax_train.py --seconds 20 wave.safetensors [other seeds' files ...]

The file says all: the network (the IR, traced into JAX), the surrogate, the points, the rows, the weights at the start, where the
error is measured. Adam runs for the given time, compile time excluded, its rate falling by a cosine to a tenth. Three rates are
tried on the first file and the one with the lowest *error* goes on to the others, which favours this side; of each run the
weights with the lowest training loss count. All files share the points of the first. The last line is JSON.
"""

import argparse
import json
import os
import re
import time

os.environ.setdefault("JAX_PLATFORMS", "cpu")
CORES = len(os.sched_getaffinity(0))
# One device a core: XLA does not divide the work of a loop over time.
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={CORES}"

import jax
import numpy as np

jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp
from jax.sharding import Mesh, PartitionSpec

from snnc_ir import function, trainable

TILE = 32
MESH = Mesh(np.array(jax.devices()), ("cores",))


def read(path):
    data = np.memmap(path, np.uint8, "r")
    size = int(data[:8].view("<u8")[0])
    header = json.loads(bytes(data[8 : 8 + size]))
    dtypes = {"F64": "<f8", "I64": "<i8"}

    def tensor(name):
        entry = header[name]
        start, end = entry["data_offsets"]
        raw = np.frombuffer(data[8 + size + start : 8 + size + end].tobytes(), dtypes[entry["dtype"]])
        return raw.reshape(entry["shape"])

    return json.loads(header["__metadata__"]["problem"]), tensor


def padded(starts, index, values):
    """Sparse rows as two full arrays; what is missing has the value 0."""
    lengths = np.diff(starts)
    width = max(1, int(lengths.max(initial=0)))
    where = np.repeat(np.arange(len(lengths)), lengths), np.arange(len(index)) - np.repeat(starts[:-1], lengths)
    columns, entries = np.zeros((len(lengths), width), np.int32), np.zeros((len(lengths), width))
    columns[where], entries[where] = index, values
    return jnp.asarray(columns), jnp.asarray(entries)


def sparse(starts, index, values, columns):
    """x -> A x, with gathers on the way back as well: XLA scatters slowly."""
    rows = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    order = np.argsort(index, kind="stable")
    there = padded(starts, index, values)
    back = padded(np.concatenate([[0], np.cumsum(np.bincount(index, minlength=columns))]), rows[order], values[order])
    product = lambda m, x: (m[1] * x[m[0]]).sum(1)
    apply = jax.custom_vjp(lambda x: product(there, x))
    apply.defvjp(lambda x: (product(there, x), None), lambda _, y: (product(back, y),))
    return apply


def expression(text, inputs):
    """A program of expressions at all points: inputs by name, `[points][width]`."""
    run = function(text, ["value"], jnp.float64)
    names = re.findall(r'^input "(.*)" \[', text, re.M)
    none = jnp.zeros(0)

    def at(**more):
        given = [dict(inputs, **more)[n] for n in names]
        if not given:
            return run(none, none)[0]
        return jax.vmap(lambda x: run(none, x)[0])(jnp.concatenate(given, 1))[:, 0]

    return at


def weak(w, tensor):
    weights, starts, which = tensor(w["weights"]), tensor(w["starts"]), tensor(w["which"])
    each = np.repeat(weights, np.diff(starts))
    points = np.repeat(np.arange(len(weights)), np.diff(starts))
    order = np.argsort(which, kind="stable")
    load = tensor(w["load"])
    ends = np.concatenate([[0], np.cumsum(np.bincount(which, minlength=len(load)))])
    moments = lambda values: sparse(ends, points[order], (each * values)[order], len(weights))
    linear = [moments(tensor(v)) for v in w["linear"]]
    coords = jnp.asarray(tensor(w["coords"]))
    nonlinear = [(moments(tensor(n["values"])), expression(n["value"], {"coords": coords})) for n in w["nonlinear"]]
    kept, matrix, load = tensor(w["kept"]), jnp.asarray(tensor(w["matrix"])), jnp.asarray(load)

    def rows(observed):
        fields = jnp.stack(observed, 1)
        z = load + sum(m(u) for m, u in zip(linear, observed))
        z = z + sum(m(g(fields=fields)) for m, g in nonlinear)
        return matrix @ z[kept]

    return rows


def points(p, tensor):
    count, terms = p["atoms"], p["terms"]
    value = expression(p["value"], {k: jnp.asarray(tensor(p[k])) for k in ("coords", "columns", "coefficients")})
    if terms is None:
        return lambda observed: value(atoms=jnp.stack(observed, 1))
    starts, index, weights = (tensor(terms[k]) for k in ("starts", "points", "weights"))
    sums = []
    for a in range(count):
        own = [slice(starts[k], starts[k + 1]) for k in range(a, len(starts) - 1, count)]
        ends = np.concatenate([[0], np.cumsum([s.stop - s.start for s in own])])
        take = np.concatenate([np.arange(s.start, s.stop) for s in own])
        sums.append(sparse(ends, index[take], weights[take], p["points"]))
    return lambda observed: value(atoms=jnp.stack([s(observed[f]) for s, f in zip(sums, p["from"])], 1))


def network(text, names, dtype, at):
    """params -> the outputs at the points, tile by tile, each core its share; states are computed again on the way back."""
    run = function(text, names, dtype)
    tiles = -(-len(at) // (TILE * CORES)) * CORES
    full = np.concatenate([at, np.repeat(at[-1:], tiles * TILE - len(at), 0)]).reshape(tiles, TILE, -1)
    full = jnp.asarray(full, dtype)
    one = jax.checkpoint(jax.vmap(lambda params, x: jnp.concatenate(run(params, x)), (None, 0)))
    share = lambda params, x: jax.lax.map(lambda tile: one(params, tile), x)
    shared = jax.shard_map(share, mesh=MESH, in_specs=(PartitionSpec(), PartitionSpec("cores")), out_specs=PartitionSpec("cores"), check_vma=False)
    return lambda params: shared(params, full).reshape(tiles * TILE, -1)[: len(at)]


class Problem:
    def __init__(self, path):
        problem, tensor = read(path)
        dtype = {"f32": jnp.float32, "f64": jnp.float64}[problem["precision"]]
        self.start = jnp.asarray(tensor(problem["params"]), dtype)
        text = problem["observers"][0]["program"]
        self.mask = jnp.asarray(trainable(text), dtype)
        seen = []
        for k, observer in enumerate(problem["observers"]):
            names = sorted({n for r in problem["rows"] if r["observer"] == k for n in r["observed"]})
            seen.append((names, network(observer["program"], names, dtype, tensor(observer["points"]))))
        rows = [(r, weak(r["weak"], tensor) if "weak" in r else points(r["points"], tensor)) for r in problem["rows"]]

        def loss(params):
            outputs = [run(params).astype(jnp.float64) for _, run in seen]
            total = 0.0
            for r, f in rows:
                here = outputs[r["observer"]][r["start"] : r["start"] + r["len"]]
                total += r["weight"] * jnp.mean(f([here[:, seen[r["observer"]][0].index(n)] for n in r["observed"]]) ** 2)
            return total

        self.loss = loss
        self.measures = []
        for m in problem["measures"]:
            if m["kind"] == "RelativeL2" and "param" in m:
                self.measures.append((m["metric"], lambda p, m=m: abs(float(p[m["param"]]) - m["exact"]) / abs(m["exact"])))
            elif m["kind"] == "RelativeL2":
                field = jax.jit(network(text, [m["output"]], dtype, tensor(m["points"])))
                exact = tensor(m["exact"])
                off = lambda p, f=field, e=exact: float(np.linalg.norm(np.asarray(f(p))[:, 0] - e) / np.linalg.norm(e))
                self.measures.append((m["metric"], off))

    def errors(self, params):
        return {name: f(params) for name, f in self.measures}


def adam(problem):
    def step(params, m, v, n, rate):
        loss, g = jax.value_and_grad(problem.loss)(params)
        g = g * problem.mask
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        scale = (rate * jnp.sqrt(1 - 0.999**n) / (1 - 0.9**n)).astype(params.dtype)
        return loss, params - scale * m / (jnp.sqrt(v) + 1e-8), m, v

    zero = jnp.zeros_like(problem.start)
    return jax.jit(step).lower(problem.start, zero, zero, jnp.float64(1), jnp.float64(1)).compile()


def train(step, start, rate, seconds):
    """The weights with the lowest training loss, that loss, the steps, and the seconds."""
    params, m, v = start, jnp.zeros_like(start), jnp.zeros_like(start)
    best, n, begun = (np.inf, start), 0, time.perf_counter()
    spent = 0.0
    while spent < seconds or n < 2:
        n += 1
        now = rate * (0.1 + 0.9 * 0.5 * (1 + np.cos(np.pi * min(1.0, spent / seconds))))
        old = params
        loss, params, m, v = step(old, m, v, jnp.float64(n), jnp.float64(now))
        if float(loss) < best[0]:
            best = float(loss), old
        spent = time.perf_counter() - begun
    return best[1], best[0], n, spent


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="+")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--trial", type=float, help="seconds for which rates are tried; as long as the runs, if not given")
    parser.add_argument("--longer", type=float, help="seconds of one more run on the first file")
    parser.add_argument("--rates", default="0.01,0.03,0.1")
    args = parser.parse_args()
    begun = time.perf_counter()
    problem = Problem(args.files[0])
    step = adam(problem)
    starts = [problem.start]
    for path in args.files[1:]:
        header, tensor = read(path)
        starts.append(jnp.asarray(tensor(header["params"]), problem.start.dtype))
    zero, one = jnp.zeros_like(problem.start), jnp.float64(1)
    first = float(step(problem.start, zero, zero, one, one)[0])
    out = {"jax": jax.__version__, "loss_at_start": first, "compile_seconds": time.perf_counter() - begun, "tried": [], "runs": []}

    def run(start, rate, seconds=args.seconds):
        params, loss, steps, seconds = train(step, start, rate, seconds)
        return {"rate": rate, "loss": loss, "steps": steps, "seconds": seconds, "errors": problem.errors(params)}

    out["errors_at_start"] = problem.errors(problem.start)
    out["tried"] = [run(starts[0], float(r), args.trial or args.seconds) for r in args.rates.split(",")]
    best = min(out["tried"], key=lambda r: max(r["errors"].values(), default=np.inf))
    out["runs"] = [run(start, best["rate"]) for start in starts]
    out["longer"] = args.longer and run(starts[0], best["rate"], args.longer)
    print(json.dumps(out))


main()
