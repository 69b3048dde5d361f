"""The networks of benches/network.rs and benches/step.rs in JAX, jitted, single precision, on one core.

2-H-H-1, leaky integrate-and-fire, beta = 0.9, threshold 1, reset by subtraction, constant input current; B = 1024 points, T = 16 steps, K = 16 directions.
Lines: simulation; simulation with K full Gaussian tangents (vmap of jvp); a whole step of forward gradients, of antithetic differences and of
back-propagation, each with Adam. The surrogate is a triangle of half-width 0.5 or a fast sigmoid of slope 5.
"""

import os
import time

START = time.perf_counter()
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"
import jax
import jax.numpy as jnp
import numpy as np

B, T, K, BETA, THRESHOLD, RATE, SIGMA = 1024, 16, 16, 0.9, 1.0, 1e-3, 1e-2
tree_map = jax.tree_util.tree_map


def spike_with(slope):
    @jax.custom_jvp
    def spike(u):
        return (u > 0).astype(jnp.float32)

    @spike.defjvp
    def _(primals, tangents):
        (u,), (du,) = primals, tangents
        return spike(u), slope(u) * du

    return spike


SURROGATES = {
    "triangle": spike_with(lambda u: jnp.maximum(0.0, 1.0 - jnp.abs(u) / 0.5) / 0.5),
    "fast sigmoid": spike_with(lambda u: 1.0 / (1.0 + 5.0 * jnp.abs(u)) ** 2),
}


def network(hidden, spike):
    def run(p, x):
        current = x @ p["w1"] + p["b1"]

        def step(carry, _):
            v1, v2, out, count = carry
            v1 = BETA * v1 + current
            s1 = spike(v1 - THRESHOLD)
            v1 = v1 - s1 * THRESHOLD
            v2 = BETA * v2 + s1 @ p["w2"] + p["b2"]
            s2 = spike(v2 - THRESHOLD)
            v2 = v2 - s2 * THRESHOLD
            return (v1, v2, out + s2 @ p["wo"], count + s1.mean() + s2.mean()), None

        zero = jnp.zeros((x.shape[0], hidden))
        carry = (zero, zero, jnp.zeros((x.shape[0], 1)), 0.0)
        (_, _, out, count), _ = jax.lax.scan(step, carry, None, length=T)
        return out / T, count / (2 * T)

    return run


def timed(label, f, *args, seconds=2.5):
    jax.block_until_ready(f(*args))
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        t = time.perf_counter()
        jax.block_until_ready(f(*args))
        times.append(1e3 * (time.perf_counter() - t))
    print(f"{label:<52} best {min(times):8.2f} ms   median {np.median(times):8.2f} ms", flush=True)


def adam(p, g, state):
    m, v, t = state
    t = t + 1
    m = tree_map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
    v = tree_map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
    scale = RATE * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    return tree_map(lambda p, m, v: p - scale * m / (jnp.sqrt(v) + 1e-8), p, m, v), (m, v, t)


def directions(key, p):
    leaves, tree = jax.tree_util.tree_flatten(p)
    keys = jax.random.split(key, len(leaves))
    return tree.unflatten([jax.random.normal(k, (K,) + l.shape) for k, l in zip(keys, leaves)])


def main():
    first = True
    for hidden in (64, 128):
        keys = jax.random.split(jax.random.PRNGKey(0), 8)
        normal = jax.random.normal
        p = dict(
            w1=normal(keys[0], (2, hidden)) * 0.35,
            b1=normal(keys[1], (hidden,)) * 0.1,
            w2=normal(keys[2], (hidden, hidden)) * 1.6 / hidden**0.5,
            b2=normal(keys[3], (hidden,)) * 0.05,
            wo=normal(keys[4], (hidden, 1)) * 0.2,
        )
        x = normal(keys[5], (B, 2))
        y = jnp.sin(jnp.pi * x[:, :1]) * jnp.cos(jnp.pi * x[:, 1:])
        name = f"jax 2-{hidden}-{hidden}-1"
        for surrogate, spike in SURROGATES.items():
            run = network(hidden, spike)
            loss = lambda p: jnp.mean((run(p, x)[0] - y) ** 2)
            tangents = lambda p, d: jax.vmap(lambda e: jax.jvp(loss, (p,), (e,))[1])(d)

            def update(p, state, slopes, d):
                return adam(p, tree_map(lambda e: jnp.tensordot(slopes, e, 1) / K, d), state)

            def forward_step(p, state, key):
                d = directions(key, p)
                return update(p, state, tangents(p, d), d)

            def difference_step(p, state, key):
                d = directions(key, p)
                moved = lambda e, sign: loss(tree_map(lambda p, e: p + sign * SIGMA * e, p, e))
                return update(p, state, jax.vmap(lambda e: (moved(e, 1) - moved(e, -1)) / (2 * SIGMA))(d), d)

            def backward_step(p, state):
                return adam(p, jax.grad(loss)(p), state)

            zero = tree_map(jnp.zeros_like, p)
            state, key = (zero, zero, jnp.zeros(())), jax.random.PRNGKey(1)
            if first:
                jax.block_until_ready(jax.jit(forward_step)(p, state, key))
                print(f"jax {jax.__version__}: process start to first forward-gradient step {time.perf_counter() - START:.2f} s")
                first = False
            if surrogate == "triangle":
                print(f"{name} spike rate {float(run(p, x)[1]):.3f}")
                timed(f"{name} simulation", jax.jit(loss), p)
                timed(f"{name} step, antithetic differences", jax.jit(difference_step), p, state, key)
            timed(f"{name} 16 tangents, {surrogate}", jax.jit(tangents), p, directions(key, p))
            timed(f"{name} step, forward gradient, {surrogate}", jax.jit(forward_step), p, state, key)
            timed(f"{name} step, back-propagation, {surrogate}", jax.jit(backward_step), p, state)


main()
