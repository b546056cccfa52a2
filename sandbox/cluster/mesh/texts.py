"""Texts of the mesh's ConfigMaps, cut down to what tells them apart, and what a rendering makes anew each time.

Standard library only, because release archives carry these very modules.
"""

from __future__ import annotations

import binascii
import os

from sandbox.cluster.mesh.values import NAMESPACE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sandbox.cluster.mesh.values import Json

GALLEY_VALIDATION = f"""\
apiVersion: admissionregistration.k8s.io/v1beta1
kind: ValidatingWebhookConfiguration
metadata:
  name: istio-galley-{NAMESPACE}
  namespace: {NAMESPACE}
webhooks:
- name: pilot.validation.istio.io
  clientConfig: {{service: {{name: istio-galley, namespace: {NAMESPACE}, path: /admitpilot}}, caBundle: ""}}
  failurePolicy: Fail
  sideEffects: None
"""
PILOT_ENVOY = """\
admin:
  access_log_path: /dev/null
  address: {socket_address: {address: 127.0.0.1, port_value: 15000}}
static_resources:
  clusters:
  - {name: in.15010, connect_timeout: 1.000s, hosts: [{socket_address: {address: 127.0.0.1, port_value: 15010}}]}
"""
KIALI = """\
istio_component_namespaces:
  prometheus: {namespace}
istio_namespace: {namespace}
deployment:
  accessible_namespaces: ['**']
login_token:
  signing_key: "{key}"
server:
  port: 20001
  web_root: /kiali
external_services:
  prometheus:
    url: http://prometheus.{namespace}:9090"""
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz012345"


def injector_mesh(values: Json) -> str:
    """Return the part of the mesh's configuration that the injector reads."""
    return f'sdsUdsPath: "{values["global"]["sds"]["udsPath"]}"\ndefaultConfig:\n  connectTimeout: 10s\n'


def kiali_config() -> str:
    """Return kiali's configuration; its signing key is another one at each rendering, as the chart makes it."""
    return KIALI.format(namespace=NAMESPACE, key="".join(LETTERS[byte % len(LETTERS)] for byte in os.urandom(10)))


def make_certificate(kind: str = "CERTIFICATE") -> str:
    """Return something of the form of a PEM file in a Secret, another one each time; nothing reads it."""
    body = binascii.b2a_base64(os.urandom(600)).decode()
    text = f"-----BEGIN {kind}-----\n{body}-----END {kind}-----\n"
    return binascii.b2a_base64(text.encode(), newline=False).decode()
