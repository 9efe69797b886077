from __future__ import annotations

from workers.rest.circuit import RETRY_TOKENS, Circuit, Circuits, CircuitTerms

TERMS = CircuitTerms(failures=5, open_seconds=30.0, probe_seconds=1.0)


def opened() -> Circuit:
    circuit = Circuit(TERMS)
    for _ in range(5):
        circuit.failed(100.0)
    return circuit


def test_it_opens_after_five_failures_in_a_row() -> None:
    circuit = Circuit(TERMS)
    for _ in range(4):
        circuit.failed(100.0)
    assert circuit.enter(100.0) == 0
    circuit.failed(100.0)
    assert circuit.enter(110.0) == 20.0


def test_a_success_between_failures_keeps_it_closed() -> None:
    circuit = Circuit(TERMS)
    for _ in range(10):
        circuit.failed(100.0)
        circuit.succeeded()
    assert circuit.enter(100.0) == 0


def test_one_probe_decides_when_it_is_half_open() -> None:
    circuit = opened()
    assert [circuit.enter(130.0), circuit.enter(130.0)] == [0.0, 1.0]
    circuit.succeeded()
    assert [circuit.enter(130.0), circuit.enter(130.0)] == [0.0, 0.0]


def test_a_failed_probe_opens_it_again() -> None:
    circuit = opened()
    circuit.enter(130.0)
    circuit.failed(131.0)
    assert circuit.enter(132.0) == 29.0


def test_an_abandoned_probe_leaves_its_place_to_another() -> None:
    circuit = opened()
    circuit.enter(130.0)
    circuit.abandoned()
    assert circuit.enter(130.0) == 0


def test_retries_are_a_small_share_of_what_succeeds() -> None:
    circuit = Circuit(TERMS)
    assert sum(circuit.may_retry() for _ in range(100)) == RETRY_TOKENS
    circuit.succeeded()
    assert not circuit.may_retry()
    circuit.succeeded()
    assert circuit.may_retry()


def test_a_sound_circuit_is_not_kept() -> None:
    circuits = Circuits(TERMS)
    for number in range(100):
        circuits.of(f"org-{number} host").succeeded()
        circuits.tidy(f"org-{number} host")
    assert len(circuits) == 0


def test_circuits_of_hosts_that_never_recover_are_bounded() -> None:
    circuits = Circuits(TERMS)
    for number in range(Circuits.MOST + 5):
        circuits.of(f"org-{number} host").failed(1.0)
    assert len(circuits) == Circuits.MOST


def test_a_circuit_that_remembers_something_is_kept() -> None:
    circuits = Circuits(TERMS)
    circuits.of("a host").failed(1.0)
    circuits.tidy("a host")
    assert circuits.of("a host").failures == 1
    assert circuits.of("b host").failures == 0
