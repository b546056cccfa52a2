"""What all worlds of a run begin with, made once for all of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec

from sandbox.cluster.http.server import SimulatedCluster
from sandbox.cluster.simulation import Simulation
from sandbox.cluster.snapshots import load_snapshot
from sandbox.google.account import ServiceAccount
from sandbox.release.signing import SigningKey
from steps.contract import release
from steps.contract.documents import read_toml

Seed: TypeAlias = Callable[[Simulation], None]
SIGNER = 1410


def find_account(path: Path) -> ServiceAccount:
    """The account whose key lies here, or else one that all worlds share: to make a key takes as long as a world."""
    return ServiceAccount.kept_in(path) if path.exists() else make_account()


@cache
def make_account() -> ServiceAccount:
    """The shared account."""
    return ServiceAccount.make()


def make_signing_key() -> SigningKey:
    """The same on every worker: what a card told of a risk is known again by a hash, and a risk names this key."""
    return SigningKey(ec.derive_private_key(SIGNER, ec.SECP256R1()))


@cache
def settle_once(seed: Seed, moment: float) -> dict[str, Any]:
    """A cluster that was filled and settled by this moment: that takes longer than all else of a world."""
    return SimulatedCluster(lambda: moment, seed_fn=seed).snapshot()


def make_cluster(clock: Callable[[], float], seed: Seed) -> SimulatedCluster:
    """A cluster that was just filled."""
    begun = settle_once(seed, clock())
    return SimulatedCluster(clock, seed_fn=lambda cluster: load_snapshot(cluster, begun))


@cache
def read_releases_once() -> None:
    """Have each file of a release parsed once: a bot that begins spends two thirds of its time on that."""
    vars(release)["read_toml"] = lru_cache(maxsize=100)(read_toml)


@cache
def read_keys_once() -> None:
    """Have google-auth check each key once: all worlds share one, and a bot takes longer for it than for all else."""
    from google.auth.crypt import RSASigner

    RSASigner.from_string = cache(RSASigner.from_string)  # type: ignore[method-assign]
