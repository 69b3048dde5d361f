"""Reference solutions and observations that some examples read. Needs numpy; the files it writes are in the repository.

    python tests/reference/solutions.py examples
"""

import sys
from pathlib import Path

import numpy as np

OUT = Path(sys.argv[1])


def rk4(f, y, h):
    k1 = f(y)
    k2 = f(y + h / 2 * k1)
    k3 = f(y + h / 2 * k2)
    k4 = f(y + h * k3)
    return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def trajectory(f, start, end, points, steps_between=1000):
    """States at `points` equally spaced times from 0 to `end`, both included."""
    y = np.array(start, float)
    out = [y]
    h = end / (points - 1) / steps_between
    for _ in range(points - 1):
        for _ in range(steps_between):
            y = rk4(f, y, h)
        out.append(y)
    return np.linspace(0.0, end, points), np.array(out)


def lotka_volterra():
    t, y = trajectory(lambda v: np.array([v[0] - v[0] * v[1], v[0] * v[1] - v[1]]), [1.5, 1.0], 6.0, 201)
    np.savez_compressed(OUT / "lotka_volterra_reference.npz", t=t, prey=y[:, 0], pred=y[:, 1])


def lorenz():
    def f(v):
        return np.array([10 * (v[1] - v[0]), v[0] * (15 - v[2]) - v[1], v[0] * v[1] - 8 / 3 * v[2]])

    t, y = trajectory(f, [-8.0, 7.0, 27.0], 3.0, 31)
    rows = "\n".join(f"{a:.1f},{b[0]:.6f},{b[1]:.6f},{b[2]:.6f}" for a, b in zip(t, y))
    (OUT / "lorenz.csv").write_text("# 31 observations of the Lorenz system with sigma = 10, rho = 15, beta = 8/3\n"
                                    "t,x_seen,y_seen,z_seen\n" + rows + "\n")


def heat_probes():
    """Three probes, ten times each, with noise of standard deviation 0.005."""
    noise = np.random.default_rng(7)
    rows = []
    for x in (0.25, 0.5, 0.75):
        for t in np.linspace(0.1, 1.0, 10):
            seen = np.exp(-0.1 * np.pi**2 * t) * np.sin(np.pi * x) + 0.005 * noise.standard_normal()
            rows.append(f"{x},{t:.1f},{seen:.5f}")
    (OUT / "heat_probes.csv").write_text("# temperatures seen by three probes, with noise of 0.005; diffusivity 0.1\n"
                                         "x,t,seen\n" + "\n".join(rows) + "\n")


def allen_cahn():
    """Fourier modes and exponential time differencing (Kassam and Trefethen, 2005)."""
    n, m, end = 512, 4000, 1.0
    x = -1 + 2 * np.arange(n) / n
    u = np.fft.fft(x**2 * np.cos(np.pi * x))
    k = np.pi * np.fft.fftfreq(n, 1 / n)
    h = end / m
    linear = -1e-4 * k**2 + 5
    e, half = np.exp(h * linear), np.exp(h * linear / 2)
    roots = np.exp(1j * np.pi * (np.arange(1, 33) - 0.5) / 32)
    z = h * linear[:, None] + roots[None, :]
    q = h * np.mean((np.exp(z / 2) - 1) / z, axis=1).real
    f1 = h * np.mean((-4 - z + np.exp(z) * (4 - 3 * z + z**2)) / z**3, axis=1).real
    f2 = h * np.mean((2 + z + np.exp(z) * (-2 + z)) / z**3, axis=1).real
    f3 = h * np.mean((-4 - 3 * z - z**2 + np.exp(z) * (4 - z)) / z**3, axis=1).real

    def nonlinear(v):
        return np.fft.fft(-5 * np.fft.ifft(v).real ** 3)

    every = m // 50
    states = [np.fft.ifft(u).real]
    for step in range(1, m + 1):
        nu = nonlinear(u)
        a = half * u + q * nu
        na = nonlinear(a)
        b = half * u + q * na
        nb = nonlinear(b)
        c = half * a + q * (2 * nb - nu)
        nc = nonlinear(c)
        u = e * u + nu * f1 + 2 * (na + nb) * f2 + nc * f3
        if step % every == 0:
            states.append(np.fft.ifft(u).real)
    np.savez_compressed(OUT / "allen_cahn_reference.npz", x=x[::4], t=np.linspace(0, end, 51), u=np.array(states).T[::4])


lotka_volterra()
lorenz()
heat_probes()
allen_cahn()
