"""Reference spike times of single neurons under constant currents, by Brian2.

Writes brian2_neurons.txt beside this file: a line a run, `MODEL CURRENT DT STEPS : STEP STEP ...`, where CURRENT is in the
unit of the model's input, DT in ms, and STEP is the number of the time step in which a spike was emitted. Run by hand:

    python3 -m venv venv && venv/bin/pip install brian2 'numpy<2' && venv/bin/python tests/reference/brian2_neurons.py

tests/brian2.rs runs the same models of our prelude with the same method and step. The equations are written out here a second
time, from the papers, in Brian2's own notation and units.
"""

import pathlib

import brian2 as b2
from brian2 import mV, ms, nS, pA, pF

b2.prefs.codegen.target = "numpy"

ADEX = dict(
    model="""
    dv/dt = (-gL*(v - EL) + gL*DT*exp((v - VT)/DT) - w + cur)/C : volt (unless refractory)
    dw/dt = (a*(v - EL) - w)/tauw : amp
    cur : amp
    """,
    threshold="v >= 20*mV",
    reset="v = EL; w += b",
    refractory=2 * ms,
    method="euler",
    start=dict(v=-70.6 * mV, w=0 * pA),
    space=dict(C=281 * pF, gL=30 * nS, EL=-70.6 * mV, VT=-50.4 * mV, DT=2 * mV, tauw=144 * ms, a=4 * nS, b=80.5 * pA),
    unit=pA,
    dt=0.1,
    steps=5000,
    currents=[0, 500, 700, 1000, 1500],
)

IZHIKEVICH = dict(
    model="""
    dv/dt = (0.04*v**2/mV + 5*v + 140*mV - u + cur)/ms : volt
    du/dt = 0.02*(0.2*v - u)/ms : volt
    cur : volt
    """,
    threshold="v >= 30*mV",
    reset="v = -65*mV; u += 8*mV",
    refractory=False,
    method="euler",
    start=dict(v=-65 * mV, u=-13 * mV),
    space={},
    unit=mV,
    dt=0.1,
    steps=5000,
    currents=[0, 4, 7, 10, 20],
)

MORRIS_LECAR = dict(
    model="""
    dv/dt = (cur - gL*(v - EL) - gCa*minf*(v - ECa) - gK*n*(v - EK))/C : volt
    dn/dt = phi*(ninf - n)*cosh((v - V3)/(2*V4))/ms : 1
    minf = 0.5*(1 + tanh((v - V1)/V2)) : 1
    ninf = 0.5*(1 + tanh((v - V3)/V4)) : 1
    cur : amp
    """,
    threshold="v >= 0*mV",
    reset="",
    refractory="v >= 0*mV",
    method="rk4",
    start=dict(v=-60.9 * mV, n=0.0149),
    space=dict(
        C=20 * pF, gL=2 * nS, gCa=4.4 * nS, gK=8 * nS, EL=-60 * mV, ECa=120 * mV, EK=-84 * mV,
        V1=-1.2 * mV, V2=18 * mV, V3=2 * mV, V4=30 * mV, phi=0.04,
    ),
    unit=pA,
    dt=0.1,
    steps=10000,
    currents=[0, 60, 100, 120, 150],
)

HODGKIN_HUXLEY = dict(
    model="""
    dv/dt = (cur - gNa*m**3*h*(v - ENa) - gK*n**4*(v - EK) - gL*(v - EL))/C : volt
    dm/dt = (1/exprel(-(v + 40*mV)/(10*mV))*(1 - m) - 4*exp(-(v + 65*mV)/(18*mV))*m)/ms : 1
    dh/dt = (0.07*exp(-(v + 65*mV)/(20*mV))*(1 - h) - h/(1 + exp(-(v + 35*mV)/(10*mV))))/ms : 1
    dn/dt = (0.1/exprel(-(v + 55*mV)/(10*mV))*(1 - n) - 0.125*exp(-(v + 65*mV)/(80*mV))*n)/ms : 1
    cur : amp
    """,
    threshold="v >= 0*mV",
    reset="",
    refractory="v >= 0*mV",
    method="exponential_euler",
    start=dict(v=-65 * mV, m=0.0529, h=0.5961, n=0.3177),
    space=dict(C=10 * pF, gNa=1200 * nS, gK=360 * nS, gL=3 * nS, ENa=50 * mV, EK=-77 * mV, EL=-54.387 * mV),
    unit=pA,
    dt=0.02,
    steps=10000,
    currents=[0, 20, 70, 100, 200],
)

MODELS = dict(adex=ADEX, izhikevich=IZHIKEVICH, morris_lecar=MORRIS_LECAR, hodgkin_huxley=HODGKIN_HUXLEY)


def run(name, m):
    b2.start_scope()
    b2.defaultclock.dt = m["dt"] * ms
    n = len(m["currents"])
    group = b2.NeuronGroup(
        n, m["model"], threshold=m["threshold"], reset=m["reset"], refractory=m["refractory"], method=m["method"],
        namespace=m["space"],
    )
    for state, value in m["start"].items():
        setattr(group, state, value)
    group.cur = m["currents"] * m["unit"]
    spikes = b2.SpikeMonitor(group)
    b2.Network(group, spikes).run(m["steps"] * m["dt"] * ms)
    for k, current in enumerate(m["currents"]):
        times = [round(float(t / ms) / m["dt"]) for t in spikes.t[spikes.i == k]]
        yield f"{name} {current} {m['dt']} {m['steps']} : {' '.join(map(str, times))}".rstrip()


lines = [line for name, m in MODELS.items() for line in run(name, m)]
out = pathlib.Path(__file__).with_name("brian2_neurons.txt")
head = f"# Written by brian2_neurons.py with Brian2 {b2.__version__}: MODEL CURRENT DT STEPS : STEPS OF SPIKES\n"
out.write_text(head + "\n".join(lines) + "\n")
