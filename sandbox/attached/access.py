"""How a cluster given by kubeconfig is reached: its server, whom to trust, and the person's own credentials."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kubernetes.client import Configuration


@dataclass(frozen=True)
class Access:
    """One context of a kubeconfig. `authority` is PEM, "" for the system's own."""

    server: str
    authority: str = ""
    verify: bool = True
    server_name: str | None = None
    _configuration: Any = field(default=None, repr=False)

    def trust(self) -> ssl.SSLContext:
        """Return the TLS settings, with the client certificate where the kubeconfig has one."""
        context = ssl.create_default_context(cadata=self.authority or None)
        if not self.verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if self._configuration.cert_file:
            context.load_cert_chain(self._configuration.cert_file, self._configuration.key_file)
        return context

    def headers(self) -> dict[str, str]:
        """Return the Authorization header now in force; a token from an exec plugin is renewed when it expires."""
        found = self._configuration.auth_settings().values()
        return {one["key"]: one["value"] for one in found if one.get("in") == "header" and one.get("value")}


def read_access(kubeconfig: Path, context: str = "") -> Access:
    """Read a kubeconfig's context, the current one by default. Raises ValueError when it leads nowhere."""
    from kubernetes.client import Configuration
    from kubernetes.config import ConfigException, load_kube_config

    configuration = Configuration()
    try:
        load_kube_config(  # type: ignore[no-untyped-call]
            str(kubeconfig), context or None, configuration, persist_config=False
        )
        return Access(
            configuration.host.rstrip("/"),
            _authority(configuration),
            bool(configuration.verify_ssl),
            configuration.tls_server_name or None,
            configuration,
        )
    except (ConfigException, OSError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(
            f"the kubeconfig {kubeconfig} can't be used: {error}; check the file, or name a context with --context"
        ) from error


def _authority(configuration: Configuration) -> str:
    inline = configuration.ca_cert_data
    if inline:
        return inline if isinstance(inline, str) else inline.decode()
    return Path(configuration.ssl_ca_cert).read_text(encoding="utf-8") if configuration.ssl_ca_cert else ""
