"""The exact device solution against a general ODE solver, and what must hold for any drive."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from trelscope.sim.physics.device import (
    AGE,
    CARRIER,
    CONTACT,
    QUENCHING,
    STATES,
    Device,
    DevicePiece,
)
from trelscope.sim.physics.expsum import Floats
from trelscope.sim.presets.presets import builtin_names, load_plant

V_ON = 1239.841984 / 520.0  # hc/(q 520 nm)
HC_FILL = math.pi / (2 * math.sqrt(3)) * (1.3 / (25400 / 9072)) ** 2  # 1.3 um dots, 9072 PPI

# x_Nt, dphi [eV], tau_n [s], area [mm2], f_q, k_R
LITERAL = {
    "control-4mm2": (5.18 / 2.55, 0.06907, 14.26e-9, 4.0, 1.0, 1.0),
    "bmim3-4mm2": (1.0, 0.0, 29.84e-9, 4.0, 1.0, 1.0),
    "bmim3-libr-4mm2": (0.6265, 0.0, 29.84e-9, 4.0, 1.0, 1.0),
    "bmim3-1mm2": (1.0, 0.0, 29.84e-9, 1.0, 1.0, 1.0),
    "hr-4mm2": (1.0, 0.0, 29.84e-9, 4.0, HC_FILL, 0.0931),
    "hr-1mm2": (1.0, 0.0, 29.84e-9, 1.0, HC_FILL, 0.0931),
}


def integrate(name: str, state: Floats, volts: float, times: Floats) -> Floats:
    """All states at `times`, shape (STATES, len(times)), by LSODA, in F/mm2 and ohm mm2.

    Circuit elements and node equations are written out here with literal values: nothing of this
    comes from sim.  The solver stops where the contact crosses V_ON, since it stalls on the kink.
    """
    x_nt, dphi, tau_n, area, fill, k_r = LITERAL[name]
    emission = 0.0
    if volts > V_ON:
        emission = math.exp(-50.0 / (volts - V_ON) + 50.0 / (7.0 - V_ON)) / 83.2
    r_i = math.exp(dphi / (1.380649e-23 * 300.0 / 1.602176634e-19)) * k_r / (1 / 154.6 + emission)
    c_1, c_2 = 3.846e-9 * x_nt, 0.1 * 3.846e-9 * x_nt
    r_1, r_2, r_q = 60e-9 / c_1, 12e-6 / c_2, 2600.0
    node_conductance = 1 / r_i + 1 / r_1 + 1 / r_2 + 1 / r_q
    c_stack, c_pmma = 8.8541878128e-12 * 3.5 / 75e-9 * 1e-6, 8.8541878128e-12 * 3.6 / 1e-7 * 1e-6
    c_on = area * (fill * c_stack + (1 - fill) * c_pmma)
    c_off = c_on + area * fill * 3.078e-9 * x_nt

    def derivative(_: float, x: Floats, on: bool) -> list[float]:
        driver, contact, shallow, deep, carrier = x
        forward = contact - V_ON if on else 0.0
        node = (forward / r_i + shallow / r_1 + deep / r_2) / node_conductance
        charging = (driver - contact) / 112.4 - area * fill * (forward - node) / r_i
        return [
            (volts - driver) / 5e-9,
            charging / (c_on if on else c_off),
            (node - shallow) / r_1 / c_1,
            (node - deep) / r_2 / c_2,
            (node - carrier) / tau_n,
        ]

    class Crossing:
        terminal = True
        direction: float

        def __call__(self, _: float, x: Floats, on: bool) -> float:
            return float(x[CONTACT]) - V_ON

    crossing = Crossing()
    result = np.empty((STATES, times.size))
    now, on = 0.0, bool(state[CONTACT] > V_ON)
    while now < times[-1]:
        crossing.direction = -1.0 if on else 1.0
        solution = solve_ivp(
            derivative,
            (now, float(times[-1])),
            state,
            method="LSODA",
            args=(on,),
            events=crossing,
            dense_output=True,
            rtol=1e-10,
            atol=1e-12,
        )
        later = times >= now
        result[:, later] = solution.sol(times[later])
        now, on, state = float(solution.t[-1]), not on, solution.y[:, -1]
    return result


def states_at(device: Device, state: Floats, volts: float, times: Floats) -> Floats:
    pieces = device.respond(state, volts)
    return np.stack([device.state_after(pieces, float(t)) for t in times], axis=1)


@pytest.mark.parametrize(
    ("name", "volts"),
    [(name, 5.0) for name in LITERAL] + [("bmim3-1mm2", 3.0), ("bmim3-1mm2", 7.0)],
)
def test_two_pulses_agree_with_a_general_solver(name: str, volts: float) -> None:
    device = load_plant(name).device
    times = np.append(np.geomspace(1e-9, 49e-6, 120), 50e-6)
    exact, numeric = device.rest(), device.rest()
    for level in (volts, 0.0, volts, 0.0):
        solved = states_at(device, exact, level, times)
        integrated = integrate(name, numeric, level, times)
        assert np.max(np.abs(solved - integrated)) < 2e-6  # V, of states up to 7 V
        exact, numeric = solved[:, -1], integrated[:, -1]


def test_every_driven_preset_is_checked_against_literal_values() -> None:
    assert set(LITERAL) == {n for n in builtin_names() if isinstance(load_plant(n).device, Device)}


def test_settled_light_follows_the_resistances() -> None:
    device = load_plant("bmim3-1mm2").device
    last = device.respond(device.rest(), 5.0)[-1]
    r_i = 1 / (1 / 154.6 + math.exp(-50.0 / (5.0 - V_ON) + 50.0 / (7.0 - V_ON)) / 83.2)
    settled = (5.0 - V_ON) * 2600.0 / (112.4 + r_i + 2600.0)  # a divider, at 1 mm2
    scale = 171547.13 / (7.0 - V_ON) ** 2 * 14.47 / 15.79
    assert last.const[CARRIER] == pytest.approx(settled, rel=1e-6)
    assert device.luminance(last).const == pytest.approx(scale * settled**2, rel=1e-6)


def test_a_pulse_takes_two_pieces_each_way() -> None:
    device = load_plant("bmim3-1mm2").device
    on = device.respond(device.rest(), 5.0)
    off = device.respond(device.state_after(on, 50e-6), 0.0)
    for pieces in (on, off):
        assert [piece.start for piece in pieces] == [0.0, pieces[0].end]
        assert pieces[-1].end == math.inf
        assert pieces[0].state(pieces[0].end)[CONTACT] == pytest.approx(V_ON, abs=1e-6)


def test_a_pulse_cut_just_before_turn_on_crosses_twice() -> None:
    """The driver is still high when its command drops: up through V_ON and down again."""
    name = "bmim3-1mm2"
    device = load_plant(name).device
    rising = device.respond(device.rest(), 5.0)
    state = device.state_after(rising, rising[0].end - 0.5e-9)
    pieces = device.respond(state, 0.0)
    starts = [piece.start for piece in pieces]
    assert len(starts) == 3
    assert starts == sorted(starts)
    times = np.geomspace(1e-10, 20e-6, 200)
    solved = states_at(device, state, 0.0, times)
    assert np.max(np.abs(solved - integrate(name, state, 0.0, times))) < 2e-6


def test_below_turn_on_there_is_no_light() -> None:
    device = load_plant("bmim3-1mm2").device
    (piece,) = device.respond(device.rest(), 2.0)
    assert device.luminance(piece)(np.geomspace(1e-9, 1e-3, 50)).max() == 0.0


levels = st.just(0.0) | st.floats(3.0, 7.0)
steps = st.lists(st.tuples(levels, st.floats(1e-9, 1e-3)), min_size=1, max_size=6)
areas = st.floats(-12.0, -2.0).map(lambda exponent: math.pow(10.0, exponent))  # m2


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(LITERAL)), areas, steps, st.floats(0.01, 0.99))
def test_any_pulse_train(
    name: str, area: float, train: list[tuple[float, float]], part: float
) -> None:
    """Continuous, on the right side of the hinge, and the same when looked at half way."""
    device = replace(load_plant(name).device, area=area)
    v_on = device.parameters.V_on
    state = device.rest()
    for volts, duration in train:
        pieces = device.respond(state, volts)
        assert device.state_after(pieces, 0.0) == pytest.approx(state, abs=1e-7)
        assert pieces[0].start == 0.0
        for before, after in pairwise(pieces):
            assert before.end == after.start
            assert before.state(before.end) == pytest.approx(after.state(after.start), abs=1e-7)
        for piece in pieces:
            length = min(piece.end - piece.start, 1.0)
            times = piece.start + length * np.append(0.0, np.geomspace(1e-12, 1.0, 80))
            overdrive = np.array([piece.state(float(t))[CONTACT] for t in times]) - v_on
            assert not (overdrive.max() > 1e-7 and overdrive.min() < -1e-7)
            assert device.luminance(piece)(times - piece.start).min() > -1e-3  # cd/m2 of 1e5
        half_way = device.respond(device.state_after(pieces, part * duration), volts)
        state = device.state_after(pieces, duration)
        resumed = device.state_after(half_way, (1.0 - part) * duration)
        assert resumed == pytest.approx(state, abs=1e-6)


@pytest.mark.parametrize("detuning", [0.0, 1e-14, -1e-11, 1e-9, 1e-6])
def test_an_area_at_which_two_rates_coincide(detuning: float) -> None:
    plant = load_plant("bmim3-1mm2")
    p = plant.device.parameters
    unit = replace(plant.device, area=1.0)
    for tau in (p.tau_drv, unit.material.tau_n):
        area = tau / (p.R_s * unit.capacitance_off) * (1.0 + detuning)
        device = replace(unit, area=area)
        (first, *_) = device.respond(device.rest(), 5.0)
        system = np.zeros((STATES + 1, STATES + 1))
        system[:STATES] = device.equations(5.0, conducting=False)
        for t in np.linspace(0.0, first.end, 7):
            expected = (expm(system * t) @ np.append(device.rest(), 1.0))[:STATES]
            assert first.state(float(t)) == pytest.approx(expected, abs=1e-5)


def test_two_lifetimes_that_coincide() -> None:
    """Neither depends on the area; the driver moves the carriers, so the system is defective."""
    plant = load_plant("bmim3-1mm2", {"tau_drv": "29.84", "tau_1": "29.84"})
    device = plant.device
    _, second = device.respond(device.rest(), 5.0)
    system = np.zeros((STATES + 1, STATES + 1))
    system[:STATES] = device.equations(5.0, conducting=True)
    start = np.append(second.state(second.start), 1.0)
    for t in np.geomspace(1e-9, 20e-6, 9):
        expected = (expm(system * t) @ start)[:STATES]
        assert second.state(second.start + float(t)) == pytest.approx(expected, abs=1e-4)


def luminance_at(device: Device, pieces: list[DevicePiece], times: Floats) -> Floats:
    values = np.empty_like(times)
    for piece in pieces:
        mine = (times >= piece.start) & (times < piece.end)
        values[mine] = device.luminance(piece)(times[mine] - piece.start)
    return values


def test_options_that_are_off_change_nothing() -> None:
    """Not one bit, whatever their other numbers, and not one state more."""
    plain = load_plant("hr-1mm2").device
    idle = load_plant("hr-1mm2", {"tau_o": "1", "n_age": "2", "L_T50": "7", "T50": "1"}).device
    for device in (plain, idle):
        assert device.rest().shape == (STATES,)
    for a, b in zip(plain.respond(plain.rest(), 5.0), idle.respond(idle.rest(), 5.0), strict=True):
        assert np.array_equal(a.coef, b.coef)
        assert np.array_equal(plain.luminance(a).amps, idle.luminance(b).amps)
    assert plain.wear(plain.respond(plain.rest(), 5.0), 1.0) == 0.0


def test_overshoot_multiplies_the_light_by_what_is_not_yet_quenched() -> None:
    plain = load_plant("hr-1mm2").device
    device = load_plant("hr-1mm2", {"overshoot": "0.3", "tau_o": "2"}).device
    times = np.linspace(0.0, 20e-6, 4001)
    o_0 = 0.0
    state, plain_state = device.rest(), plain.rest()
    for volts in (5.0, 0.0, 5.0):
        pieces, plain_pieces = device.respond(state, volts), plain.respond(plain_state, volts)
        turned = pieces[0].end  # v crosses V_on, up or down
        before, after = (0.0, 1.0) if volts else (1.0, 0.0)
        o_turn = before + (o_0 - before) * math.exp(-turned / 2e-6)
        o = np.where(
            times < turned,
            before + (o_0 - before) * np.exp(-times / 2e-6),
            after + (o_turn - after) * np.exp(-(times - turned) / 2e-6),
        )
        expected = luminance_at(plain, plain_pieces, times) * (1.0 + 0.3 * (1.0 - o))
        assert luminance_at(device, pieces, times) == pytest.approx(expected, rel=1e-9, abs=1e-6)
        state = device.state_after(pieces, 20e-6)
        plain_state = plain.state_after(plain_pieces, 20e-6)
        assert state[:STATES] == pytest.approx(plain_state, abs=1e-12)
        o_0 = float(o[-1])
        assert state[QUENCHING] == pytest.approx(o_0, abs=1e-9)


def test_overshoot_shows_as_a_spike_above_the_settled_light() -> None:
    device = load_plant("hr-1mm2", {"overshoot": "0.5", "tau_o": "5"}).device
    light = luminance_at(device, device.respond(device.rest(), 5.0), np.linspace(0, 100e-6, 2001))
    assert 1.1 < light.max() / light[-1] < 1.5
    assert np.argmax(light) * 50e-9 < 5e-6


@pytest.mark.parametrize(
    ("name", "hours"), [("control-4mm2", 8.62), ("bmim3-4mm2", 131.87), ("hr-4mm2", 74.4)]
)
def test_half_the_light_is_left_after_t50(name: str, hours: float) -> None:
    """At 100 cd/m2; and 2^1.75 times as soon at twice that."""
    device = load_plant(name, {"ageing": "1"}).device
    state = device.rest()
    settled = device.respond(state, 5.0)[-1]
    new = device.luminance(settled).const
    lifetime = hours * 3600.0 * (100.0 / new) ** 1.75
    steady = [replace(settled, start=0.0, coef=0.0 * settled.coef)]
    wear = device.wear(steady, lifetime)
    assert wear == pytest.approx(1.0, rel=2e-4)
    old = device.respond(device.aged(state, wear), 5.0)[-1]
    assert device.luminance(old).const == pytest.approx(0.5 * new, rel=2e-4)
    assert old.const[CONTACT] == settled.const[CONTACT]
    assert device.state_after([old], old.start + 1.0)[AGE] == wear
    bright = load_plant(name, {"ageing": "1", "L_T50": "50"}).device
    assert bright.wear(steady, lifetime) == pytest.approx(2.0**1.75, rel=2e-4)
    fast = load_plant(name, {"ageing": "10"}).device
    assert fast.wear(steady, lifetime) == pytest.approx(10.0, rel=2e-4)


def test_wear_is_the_integral_of_the_stress_and_adds_up() -> None:
    device = load_plant("bmim3-1mm2", {"ageing": "1"}).device
    pieces = device.respond(device.rest(), 5.0)
    times = np.linspace(0.0, 50e-6, 200_001)
    stress = np.trapezoid((luminance_at(device, pieces, times) / 100.0) ** 1.75, times)
    wear = device.wear(pieces, 50e-6)
    assert wear == pytest.approx(stress / (131.87 * 3600.0), rel=1e-3)
    rest = device.respond(device.state_after(pieces, 10e-6), 5.0)
    assert device.wear(pieces, 10e-6) + device.wear(rest, 40e-6) == pytest.approx(wear, rel=1e-3)
    off = device.respond(device.state_after(pieces, 50e-6), 0.0)
    assert 0.0 < device.wear(off, 50e-6) < 0.02 * wear
