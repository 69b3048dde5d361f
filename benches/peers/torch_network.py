"""The networks of benches/network.rs and benches/step.rs in PyTorch with snnTorch, single precision, on one core.

2-H-H-1, leaky integrate-and-fire, beta = 0.9, threshold 1, reset by subtraction, constant input current; B = 1024 points, T = 16 steps, K = 16 directions,
fast-sigmoid surrogate of slope 5. Lines: simulation and a step of back-propagation with snnTorch's `Leaky`; a whole step of forward gradients
(vmap of torch.func.jvp) and of antithetic differences with the same neuron written as an autograd function, which `Leaky` has no rule for.
"""

import time

START = time.perf_counter()
import numpy as np
import snntorch
import torch
from snntorch import surrogate
from torch.func import jvp, vmap

torch.set_num_threads(1)
B, T, K, BETA, RATE, SIGMA = 1024, 16, 16, 0.9, 1e-3, 1e-2


class Spike(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(u):
        return (u > 0).to(u.dtype)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(inputs[0])
        ctx.save_for_forward(inputs[0])

    @staticmethod
    def backward(ctx, g):
        (u,) = ctx.saved_tensors
        return g / (1 + 5 * u.abs()) ** 2

    @staticmethod
    def jvp(ctx, du):
        (u,) = ctx.saved_tensors
        return du / (1 + 5 * u.abs()) ** 2


def written_out(p, x):
    current = x @ p["w1"] + p["b1"]
    v1 = v2 = torch.zeros(x.shape[0], p["w2"].shape[0])
    out = 0.0
    for _ in range(T):
        v1 = BETA * v1 + current
        s1 = Spike.apply(v1 - 1)
        v1 = v1 - s1
        v2 = BETA * v2 + s1 @ p["w2"] + p["b2"]
        s2 = Spike.apply(v2 - 1)
        v2 = v2 - s2
        out = out + s2 @ p["wo"]
    return out / T


class Network(torch.nn.Module):
    def __init__(self, p):
        super().__init__()
        self.weights = torch.nn.ParameterDict({k: torch.nn.Parameter(v.clone()) for k, v in p.items()})
        slope = surrogate.fast_sigmoid(slope=5)
        self.first = snntorch.Leaky(beta=BETA, spike_grad=slope, reset_delay=False)
        self.second = snntorch.Leaky(beta=BETA, spike_grad=slope, reset_delay=False)

    def forward(self, x):
        w = self.weights
        v1, v2 = self.first.init_leaky(), self.second.init_leaky()
        current, out = x @ w["w1"] + w["b1"], 0.0
        for _ in range(T):
            s1, v1 = self.first(current, v1)
            s2, v2 = self.second(s1 @ w["w2"] + w["b2"], v2)
            out = out + s2 @ w["wo"]
        return out / T


def timed(label, f, seconds=2.5):
    for _ in range(2):
        f()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        t = time.perf_counter()
        f()
        times.append(1e3 * (time.perf_counter() - t))
    print(f"{label:<52} best {min(times):8.2f} ms   median {np.median(times):8.2f} ms", flush=True)


def main():
    first = True
    for hidden in (64, 128):
        torch.manual_seed(0)
        p = dict(
            w1=torch.randn(2, hidden) * 0.35,
            b1=torch.randn(hidden) * 0.1,
            w2=torch.randn(hidden, hidden) * 1.6 / hidden**0.5,
            b2=torch.randn(hidden) * 0.05,
            wo=torch.randn(hidden, 1) * 0.2,
        )
        x = torch.randn(B, 2)
        y = torch.sin(torch.pi * x[:, :1]) * torch.cos(torch.pi * x[:, 1:])
        name = f"torch 2-{hidden}-{hidden}-1"
        network = Network(p)
        adam = torch.optim.Adam(network.parameters(), RATE)

        def simulate():
            with torch.no_grad():
                return ((network(x) - y) ** 2).mean()

        def backward_step():
            adam.zero_grad()
            ((network(x) - y) ** 2).mean().backward()
            adam.step()

        trained = {k: v.clone().requires_grad_() for k, v in p.items()}
        rule = torch.optim.Adam(trained.values(), RATE)

        def loss(q):
            return ((written_out(q, x) - y) ** 2).mean()

        def step(slopes):
            with torch.no_grad():
                q = {k: v.detach() for k, v in trained.items()}
                d = {k: torch.randn(K, *v.shape) for k, v in q.items()}
            g = slopes(q, d)
            for k, v in trained.items():
                v.grad = torch.tensordot(g, d[k], 1) / K
            rule.step()

        def tangents(q, d):
            return vmap(lambda e: jvp(loss, (q,), (e,))[1])(d)

        def differences(q, d):
            def one(e):
                moved = lambda sign: loss({k: v + sign * SIGMA * e[k] for k, v in q.items()})
                return (moved(1) - moved(-1)) / (2 * SIGMA)

            with torch.no_grad():
                return torch.stack([one({k: v[i] for k, v in d.items()}) for i in range(K)])

        if first:
            backward_step()
            print(f"torch {torch.__version__}, snntorch {snntorch.__version__}: process start to first step {time.perf_counter() - START:.2f} s")
            first = False
        timed(f"{name} simulation (snnTorch)", simulate)
        timed(f"{name} step, back-propagation (snnTorch)", backward_step)
        timed(f"{name} step, forward gradient, fast sigmoid", lambda: step(tangents))
        timed(f"{name} step, antithetic differences", lambda: step(differences))


main()
