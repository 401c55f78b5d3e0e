"""Drive V(t) -> light L(t) of a perovskite-QD LED, solved exactly between drive edges.

The model is the smallest RC/trap ladder that explains the transient electroluminescence of Zhang et
al., Light Sci. Appl. (2025), doi 10.1038/s41377-025-01959-y; it has the same impedance as the
equivalent circuit of their Fig. 3e.  Values and the origin of each are in presets.toml.

States x, all in volts, in this order::

    vd   driver output               tau_drv vd' = volts - vd
    v    injecting contact           C v'        = (vd - v) / R_s - A_q (s - u) / r_i
    w1   shallow-trap overdrive      tau_1 w1'   = u - w1
    w2   deep-trap overdrive         tau_2 w2'   = u - w2
    n    free-carrier overdrive      tau_n n'    = u - n

with  s   = max(v - V_on, 0)                                          the one non-linearity, a hinge
      u   = (s/r_i + w1/r_1 + w2/r_2) / (1/r_i + 1/r_q + 1/r_1 + 1/r_2)    (r_j = tau_j / c_j)
      C   = C_off below V_on, C_on above
      L   = K n^2                                                     bimolecular recombination

On each side of the hinge the system is linear with real negative eigenvalues, so the state is a
constant plus decaying exponentials; only the instants at which v crosses V_on are searched for.

Two options, off in the paper's presets, add two states without a unit::

    o    quenching               tau_o o'    = 1 - o above V_on, -o below
    age  half-lives lived        constant between drive edges, moved on by `Device.aged`

and multiply the light by  (1 + overshoot (1 - o)) 2^-age,  which is still a sum of exponentials.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trelscope.sim.physics.expsum import RESONANCE, ExpSum, Floats

ELEMENTARY_CHARGE = 1.602176634e-19  # C, exact in the SI
BOLTZMANN = 1.380649e-23  # J/K, exact in the SI
VACUUM_PERMITTIVITY = 8.8541878128e-12  # F/m, CODATA 2018

STATES = 5
DRIVER, CONTACT, SHALLOW, DEEP, CARRIER = range(STATES)
"""Indices into the state vector: vd, v, w1, w2, n."""

QUENCHING, AGE = STATES, STATES + 1
"""Indices of o and age, of a device with options only."""

WEAR_POINTS = 400
"""Times per piece at which the stress is evaluated: the wear of a pulse is good to 1e-4."""

MAX_PIECES = 16
"""Response pieces per drive level; pulses need two or three, more means the search went wrong."""

CROSSING_TOLERANCE = 1e-12
"""V beyond V_on before a crossing counts, so that rounding at the hinge is not one."""


@dataclass(frozen=True)
class Parameters:
    """What all materials and geometries share.  "Specific" means per unit of emitting area."""

    R_s: float  # ohm, driver and electrode lead; does not scale with area
    c_pre: float  # F/m2, specific accumulation and trap-filling capacitance below V_on, at x_Nt = 1
    c_1: float  # F/m2, specific shallow-trap capacitance, at x_Nt = 1
    r_th: float  # ohm m2, specific injection resistance, thermionic branch
    r_FN: float  # ohm m2, specific injection resistance, field-emission branch at V_ref
    B_FN: float  # V, Fowler-Nordheim exponent on the overdrive
    r_q: float  # ohm m2, specific recombination resistance
    V_on: float  # V, turn-on
    V_ref: float  # V, drive level at which r_FN and L_ref hold
    tau_drv: float  # s, driver pole
    tau_1: float  # s, shallow-trap capture time
    tau_2: float  # s, deep-trap capture time
    rho_2: float  # -, deep-trap over shallow-trap capacitance
    eps_stack: float  # -, relative permittivity of the layer stack
    d_stack: float  # m, thickness of the layer stack
    eps_pmma: float  # -, relative permittivity of the PMMA grid
    d_pmma: float  # m, thickness of the PMMA grid
    temperature: float  # K
    L_ref: float  # cd/m2, luminance at V_ref for eqe_ref
    eqe_ref: float  # -, external quantum efficiency that goes with L_ref


@dataclass(frozen=True)
class Material:
    """One treatment of the quantum dots."""

    name: str
    x_Nt: float  # -, trap density relative to bmim3
    dphi: float  # J, injection barrier relative to bmim3
    tau_n: float  # s, average photoluminescence lifetime
    eqe: float  # -, external quantum efficiency
    T50: float  # s of operation at L_T50 after which half the light is left


@dataclass(frozen=True)
class Geometry:
    """How the electrode overlap is patterned."""

    name: str
    f_q: float  # -, fraction of the area that holds quantum dots (the rest is PMMA)
    k_R: float  # -, specific injection resistance relative to planar
    k_T50: float  # -, T50 relative to planar


@dataclass(frozen=True)
class Extensions:
    """What the paper's presets leave off; at an `overshoot` and `ageing` of 0 the rest is unused."""

    overshoot: float  # -, by how much more light there is at turn-on, before it is quenched
    tau_o: float  # s, quenching
    ageing: float  # -, speed of ageing: 0 never, 1 as the paper's T50 have it
    n_age: float  # -, acceleration exponent, T50 ~ luminance^-n_age
    L_T50: float  # cd/m2, luminance at which T50 holds

    @property
    def any(self) -> bool:
        """Whether any of them is on."""
        return self.overshoot != 0.0 or self.ageing != 0.0


@dataclass(frozen=True, eq=False)
class DevicePiece:
    """x(t) = const + coef @ exp(-rates (t - start)), start <= t < end, in s from the drive edge.

    const (m,) and coef (m states, m rates) in V, rates (m,) in 1/s; end is math.inf for the last.
    """

    start: float
    end: float
    const: Floats
    coef: Floats
    rates: Floats

    def state(self, t: float) -> Floats:
        """All states [V], shape (m,), at `t` [s] from the drive edge."""
        values: Floats = self.const + self.coef @ np.exp(-self.rates * (t - self.start))
        return values

    def signal(self, index: int) -> ExpSum:
        """One state [V], its time counted from the start of the piece."""
        return ExpSum(float(self.const[index]), self.coef[index], self.rates)


@dataclass(frozen=True)
class Device:
    """One material in one geometry with an electrode overlap of `area` m2."""

    parameters: Parameters
    material: Material
    geometry: Geometry
    options: Extensions
    area: float

    @property
    def dot_area(self) -> float:
        """Area that holds quantum dots, A_q, m2."""
        return self.area * self.geometry.f_q

    @property
    def capacitance_on(self) -> float:
        """F above V_on: geometric only."""
        p = self.parameters
        grid_area = self.area - self.dot_area
        return VACUUM_PERMITTIVITY * (
            self.dot_area * p.eps_stack / p.d_stack + grid_area * p.eps_pmma / p.d_pmma
        )

    @property
    def capacitance_off(self) -> float:
        """F below V_on: geometric plus accumulation and trap filling."""
        return self.capacitance_on + self.dot_area * self.parameters.c_pre * self.material.x_Nt

    @property
    def luminance_per_square_volt(self) -> float:
        """K in L = K n^2, cd/(m2 V2)."""
        p = self.parameters
        return p.L_ref / (p.V_ref - p.V_on) ** 2 * self.material.eqe / p.eqe_ref

    def injection_resistance(self, volts: float) -> float:
        """Specific injection resistance r_i at a drive level of `volts`, ohm m2.

        Thermionic and field emission in parallel, both behind the barrier of the material.
        """
        p = self.parameters
        conductance = 1.0 / p.r_th
        if volts > p.V_on:
            exponent = p.B_FN * (1.0 / (volts - p.V_on) - 1.0 / (p.V_ref - p.V_on))
            conductance += math.exp(-exponent) / p.r_FN
        barrier = math.exp(self.material.dphi / (BOLTZMANN * p.temperature))
        return barrier * self.geometry.k_R / conductance

    def rest(self) -> Floats:
        """The state of a new device after a long time at 0 V: zeros, V."""
        return np.zeros(STATES + 2 if self.options.any else STATES)

    def respond(self, state: Floats, volts: float) -> list[DevicePiece]:
        """The response to a constant drive of `volts` from `state` [V] on, until infinity."""
        v_on = self.parameters.V_on
        conducting = bool(state[CONTACT] > v_on)
        start = 0.0
        pieces: list[DevicePiece] = []
        while len(pieces) < MAX_PIECES:
            const, coef, rates = self._solve(state[:STATES], volts, conducting)
            overdrive = ExpSum(float(const[CONTACT]) - v_on, coef[CONTACT], rates)
            duration = _first_crossing(overdrive, 1.0 if conducting else -1.0)
            if self.options.any:
                const, coef, rates = self._with_options(const, coef, rates, state, conducting)
            piece = DevicePiece(start, start + duration, const, coef, rates)
            pieces.append(piece)
            if math.isinf(duration):
                return pieces
            state = const + coef @ np.exp(-rates * duration)
            start += duration
            conducting = not conducting
        raise ArithmeticError(f"more than {MAX_PIECES} turn-on crossings at {volts} V")

    @staticmethod
    def state_after(pieces: Sequence[DevicePiece], dt: float) -> Floats:
        """The state [V] at `dt` [s] after the drive edge that `pieces` answer."""
        return next(piece for piece in reversed(pieces) if piece.start <= dt).state(dt)

    def luminance(self, piece: DevicePiece) -> ExpSum:
        """Light of one piece, cd/m2, its time counted from the start of the piece."""
        light = self._unaged_luminance(piece)
        return light.scale(2.0 ** -float(piece.const[AGE])) if self.options.any else light

    def wear(self, pieces: Sequence[DevicePiece], dt: float) -> float:
        """Half-lives that the device ages in the first `dt` [s] of `pieces`.

        At a constant luminance L of the new device one half-life is T50 (L_T50 / L)^n_age.
        """
        if self.options.ageing == 0.0:
            return 0.0
        stress = 0.0  # s at L_T50
        for piece in pieces:
            length = min(dt, piece.end) - piece.start
            if length > 0.0:
                times = length * np.append(0.0, np.geomspace(1e-7, 1.0, WEAR_POINTS))
                light = np.maximum(self._unaged_luminance(piece)(times), 0.0)
                rate = (light / self.options.L_T50) ** self.options.n_age
                stress += float(np.trapezoid(rate, times))
        return self.options.ageing * stress / (self.material.T50 * self.geometry.k_T50)

    @staticmethod
    def aged(state: Floats, wear: float) -> Floats:
        """`state` of a device with options, `wear` half-lives older."""
        older = state.copy()
        older[AGE] += wear
        return older

    def _unaged_luminance(self, piece: DevicePiece) -> ExpSum:
        carriers = piece.signal(CARRIER)
        light = (carriers * carriers).scale(self.luminance_per_square_volt)
        spike = self.options.overshoot
        if spike == 0.0:
            return light
        # o = its target + one exponential, at the rate that _with_options has put last
        left = 1.0 - float(piece.const[QUENCHING])
        gain = ExpSum(1.0 + spike * left, -spike * piece.coef[QUENCHING, -1:], piece.rates[-1:])
        return light * gain

    def _with_options(
        self, const: Floats, coef: Floats, rates: Floats, state: Floats, conducting: bool
    ) -> tuple[Floats, Floats, Floats]:
        """A solution of `_solve` with o and age added: two more states, one more rate."""
        target = 1.0 if conducting else 0.0
        extended = np.zeros((STATES + 2, STATES + 1))
        extended[:STATES, :STATES] = coef
        extended[QUENCHING, -1] = state[QUENCHING] - target
        return (
            np.append(const, (target, state[AGE])),
            extended,
            np.append(rates, 1.0 / self.options.tau_o),
        )

    def _solve(
        self, state: Floats, volts: float, conducting: bool
    ) -> tuple[Floats, Floats, Floats]:
        """const (m,), coef (m, m), rates (m,) of the linear system on one side of the hinge.

        Where two rates coincide, the solution is not a sum of exponentials: each state is then
        made faster by some millionths, each by a different number, which moves the rates apart.
        """
        equations = self.equations(volts, conducting)
        matrix, drive = equations[:, :STATES], equations[:, STATES]
        eigenvalues, modes = np.linalg.eig(matrix)
        ordered = np.sort(-eigenvalues.real)
        if np.any(np.diff(ordered) < RESONANCE * ordered[1:]):
            equations *= 1.0 + 10.0 * RESONANCE * np.arange(STATES)[:, np.newaxis]
            eigenvalues, modes = np.linalg.eig(matrix)
        const = np.asarray(np.linalg.solve(matrix, -drive), dtype=np.float64)
        coef: Floats = modes.real * np.linalg.solve(modes.real, state - const)
        rates: Floats = -eigenvalues.real
        return const, coef, rates

    def equations(self, volts: float, conducting: bool) -> Floats:
        """x' = M x + b as [M | b], shape (STATES, STATES + 1), on one side of the hinge."""
        p = self.parameters
        vd, v, w1, w2, n, one = np.eye(STATES + 1)
        g_i = 1.0 / self.injection_resistance(volts)
        g_q = 1.0 / p.r_q
        g_1 = p.c_1 * self.material.x_Nt / p.tau_1
        g_2 = p.c_1 * self.material.x_Nt * p.rho_2 / p.tau_2
        s = v - p.V_on * one if conducting else 0.0 * one
        u = (g_i * s + g_1 * w1 + g_2 * w2) / (g_i + g_q + g_1 + g_2)
        capacitance = self.capacitance_on if conducting else self.capacitance_off
        return np.stack(
            (
                (volts * one - vd) / p.tau_drv,
                ((vd - v) / p.R_s - self.dot_area * g_i * (s - u)) / capacitance,
                (u - w1) / p.tau_1,
                (u - w2) / p.tau_2,
                (u - n) / self.material.tau_n,
            )
        )


def _first_crossing(overdrive: ExpSum, side: float) -> float:
    """The first time [s] at which `overdrive` [V] leaves `side` (+1 or -1), or math.inf.

    Looked for on a logarithmic grid that is fine against the fastest rate and outlasts the slowest,
    then bisected to the last bit; the instant returned is already on the other side.
    """
    begin, finish = 1e-3 / overdrive.rates.max(), 50.0 / overdrive.rates.min()
    grid = np.geomspace(begin, finish, 32 * math.ceil(math.log10(finish / begin)))
    beyond = np.flatnonzero(side * overdrive(grid) < -CROSSING_TOLERANCE)
    if beyond.size == 0:
        return math.inf
    first = int(beyond[0])
    before, after = (float(grid[first - 1]) if first else 0.0), float(grid[first])
    for _ in range(60):
        middle = 0.5 * (before + after)
        if side * overdrive.at(middle) >= 0.0:
            before = middle
        else:
            after = middle
    return after
