"""Programs of snnc's IR, as text, to JAX functions of one point: the same network, traced by another compiler.

    run = function(text, ["u"], jnp.float32)
    u, = run(params, point)            params: the flat vector; point: the inputs one after the other

A spike has the program's own surrogate for its derivative. What does not lead to the outputs asked for is left out.
"""

import re

import jax
import jax.numpy as jnp
from jax.scipy.special import erf

UNARY = {
    "neg": lambda x: -x, "abs": jnp.abs, "sqrt": jnp.sqrt, "floor": jnp.floor, "ceil": jnp.ceil, "sign": jnp.sign,
    "exp": jnp.exp, "log": jnp.log, "log2": jnp.log2, "sin": jnp.sin, "cos": jnp.cos, "tan": jnp.tan, "asin": jnp.arcsin,
    "acos": jnp.arccos, "atan": jnp.arctan, "sinh": jnp.sinh, "cosh": jnp.cosh, "tanh": jnp.tanh, "erf": erf,
    "heaviside": lambda x: jnp.where(x >= 0, 1, 0).astype(x.dtype), "step": lambda x: jnp.where(x >= 0, 1, 0).astype(x.dtype),
    "sigmoid": jax.nn.sigmoid, "relu": lambda x: jnp.where(x > 0, x, 0), "softplus": jax.nn.softplus,
    "gelu": lambda x: 0.5 * x * (1 + erf(x * 0.5**0.5)),
}
BINARY = {
    "add": jnp.add, "sub": jnp.subtract, "mul": jnp.multiply, "div": jnp.divide, "pow": jnp.power, "atan2": jnp.arctan2,
    "min": lambda a, b: jnp.where(a < b, a, b), "max": lambda a, b: jnp.where(a > b, a, b),
    "lt": jnp.less, "le": jnp.less_equal, "gt": jnp.greater, "ge": jnp.greater_equal, "eq": jnp.equal, "ne": jnp.not_equal,
    "and": jnp.logical_and, "or": jnp.logical_or,
}
SURROGATES = {
    "triangle": lambda z, w: jnp.maximum(0, 1 - jnp.abs(z) / w) / w,
    "rectangle": lambda z, w: jnp.where(jnp.abs(z) < w, 0.5 / w, 0),
    "fast_sigmoid": lambda z, k: 1 / (1 + k * jnp.abs(z)) ** 2,
    "sigmoid": lambda z, k: k * jax.nn.sigmoid(k * z) * jax.nn.sigmoid(-k * z),
    "atan": lambda z, k: (k / 2) / (1 + (jnp.pi * k * z / 2) ** 2),
    "gaussian": lambda z, w: jnp.exp(-(z**2) / (2 * w**2)) / (w * (2 * jnp.pi) ** 0.5),
}


def spike(z, strict, slope):
    @jax.custom_jvp
    def fired(z):
        return jnp.where(z > 0 if strict else z >= 0, 1, 0).astype(z.dtype)

    @fired.defjvp
    def _(primals, tangents):
        return fired(primals[0]), slope(primals[0]) * tangents[0]

    return fired(z)


class Program:
    """The parts of a program's text."""

    def __init__(self, text):
        self.inputs, self.params, self.tables, self.states, self.outputs = [], [], [], [], {}
        self.straight, self.steps = {-1: []}, {}
        region = None
        for line in text.splitlines():
            line = line.strip()
            if m := re.match(r'program ".*" steps ([\d, ]+) directions', line):
                self.passes = [int(n) for n in m[1].split(",") if int(n)]
            elif m := re.match(r'input "(.*)" \[(\d+)\]', line):
                self.inputs.append((m[1], int(m[2])))
            elif m := re.match(r'param "(.*)" \[(\d+) x (\d+)\](.*)', line):
                at = sum(r * c for _, r, c, _, _ in self.params)
                self.params.append((m[1], int(m[2]), int(m[3]), at, "trainable" in m[4]))
            elif m := re.match(r'table ".*" \[\d+\] = (.*)', line):
                self.tables.append([float(x) for x in m[1].split(",")])
            elif m := re.match(r"state \d+(?: pass (\d+))? : \S.* = %(\d+) next %(\d+)", line):
                self.states.append((int(m[1] or 0), int(m[2]), int(m[3])))
            elif m := re.match(r"(init|step|finish)(?: (\d+))? \{", line):
                k = int(m[2] or 0)
                region = {"init": self.straight[-1], "step": self.steps.setdefault(k, []),
                          "finish": self.straight.setdefault(k, [])}[m[1]]
            elif m := re.match(r'output "(.*)" = %(\d+)', line):
                self.outputs[m[1]] = int(m[2])
            elif m := re.match(r"%(\d+) = (\w+) ?(.*) : (mask |tangent )?\d+$", line):
                region.append((int(m[1]), m[2], m[3], [int(v) for v in re.findall(r"%(\d+)", m[3])]))

    def needed(self, names):
        """The values and states that the outputs depend on."""
        defined = {v: (op, args, of) for part in [*self.straight.values(), *self.steps.values()] for v, op, args, of in part}
        values, states, todo = set(), set(), [self.outputs[n] for n in names]
        while todo:
            v = todo.pop()
            if v in values:
                continue
            values.add(v)
            op, args, of = defined[v]
            todo += of
            if op == "state" and int(args) not in states:
                states.add(int(args))
                todo += self.states[int(args)][1:]
        return values, states


def function(text, names, dtype):
    program = Program(text)
    values, states = program.needed(names)
    offsets = [sum(w for _, w in program.inputs[:k]) for k in range(len(program.inputs) + 1)]
    by_name = {name: (rows, cols, at) for name, rows, cols, at, _ in program.params}

    def run(params, point):
        def param(args):
            rows, cols, at = by_name[re.search(r'"(.*)"', args)[1]]
            return params[at : at + rows * cols].reshape(rows, cols)

        def evaluate(part, env, state, tables, n):
            for v, op, args, of in part:
                if v not in values:
                    continue
                x = [env[k] for k in of]
                if op == "const":
                    y = jnp.full((1,), float(args), dtype)
                elif op == "input":
                    y = point[offsets[int(args)] : offsets[int(args) + 1]]
                elif op == "param":
                    y = param(args)[0]
                elif op == "state":
                    y = state[int(args)]
                elif op == "table":
                    y = tables[int(args)].reshape(1)
                elif op == "row":
                    y = jax.lax.dynamic_index_in_dim(param(args), n, 0, False)
                elif op in UNARY:
                    y = UNARY[op](x[0])
                elif op in BINARY:
                    y = BINARY[op](*x)
                elif op == "fma":
                    y = x[0] * x[1] + x[2]
                elif op == "not":
                    y = jnp.logical_not(x[0])
                elif op == "select":
                    y = jnp.where(*x)
                elif op == "spike":
                    kind, scale = re.search(r", (\w+) (\S+)$", args).groups()
                    slope = lambda z, kind=kind, scale=float(scale): SURROGATES[kind](z, scale)
                    y = spike(x[0], "strict" in args, slope)
                elif op == "spike_along":
                    y = spike(x[0], "strict" in args, lambda z, slope=x[1]: slope)
                elif op == "splat":
                    y = jnp.broadcast_to(x[0], (int(args.split(",")[1]),))
                elif op == "concat":
                    y = jnp.concatenate(x)
                elif op == "slice":
                    start, length = (int(n) for n in re.search(r"start (\d+), len (\d+)", args).groups())
                    y = x[0][start : start + length]
                elif op == "sum":
                    y = x[0].sum(keepdims=True)
                elif op == "dense":
                    y = x[0] @ param(args)
                else:
                    raise SystemExit(f"the peer does not know the operation {op}")
                env[v] = y
            return env

        env = evaluate(program.straight[-1], {}, {}, None, None)
        final = {}
        for k, steps in enumerate(program.passes):
            own = [s for s in sorted(states) if program.states[s][0] == k]
            body, before = program.steps.get(k, []), env

            def step(carry, x):
                tables, n = x
                here = evaluate(body, dict(before), dict(zip(own, carry)), tables, n)
                # A state whose next value is the old one, or an earlier value, has no instruction of its own here.
                return tuple(here[program.states[s][2]] for s in own), None

            tables = [jnp.asarray(t, dtype) if len(t) == steps else jnp.zeros(steps, dtype) for t in program.tables]
            start = tuple(env[program.states[s][1]] for s in own)
            last, _ = jax.lax.scan(step, start, (tables, jnp.arange(steps)))
            final.update(zip(own, last))
            env = evaluate(program.straight.get(k, []), dict(env), final, None, None)
        return [env[program.outputs[name]] for name in names]

    return run


def trainable(text):
    """For each number of the flat parameter vector, whether it is trained."""
    return [flag for _, rows, cols, _, flag in Program(text).params for _ in range(rows * cols)]
