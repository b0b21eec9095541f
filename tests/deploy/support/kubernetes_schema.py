"""Checks a Kubernetes object against its schema and refuses unknown fields. The schemas of Kubernetes' own kinds are in
the package kubernetes-validate, those of KEDA, cert-manager and the Prometheus operator in cloudcoil-models-*."""
import importlib

import kubernetes_validate

VERSIONS = ("1.29", "1.34")  # the oldest that the chart allows, and the newest one tested

CUSTOM = {
    "keda.sh/v1alpha1": "cloudcoil.models.keda.v1alpha1",
    "cert-manager.io/v1": "cloudcoil.models.cert_manager.v1",
    "monitoring.coreos.com/v1": "cloudcoil.models.prometheus_operator.v1",
}


def _dropped(given, kept, path):
    """The fields of `given` that `kept` does not have."""
    if isinstance(given, dict):
        if not isinstance(kept, dict):
            return [path]
        return [field for key, value in given.items()
                for field in ([f"{path}.{key}"] if key not in kept else
                              _dropped(value, kept[key], f"{path}.{key}"))]
    if isinstance(given, list):
        if not isinstance(kept, list) or len(given) != len(kept):
            return [path]
        return [field for i, value in enumerate(given)
                for field in _dropped(value, kept[i], f"{path}[{i}]")]
    return []


def problems(document, versions=VERSIONS):
    """The errors of one object; empty if it is valid."""
    where = f"{document.get('kind')}/{document.get('metadata', {}).get('name')}"
    module = CUSTOM.get(document.get("apiVersion"))
    if module:
        model = getattr(importlib.import_module(module), document["kind"])
        try:
            kept = model.model_validate(document).model_dump(by_alias=True, exclude_unset=True, mode="json")
        except ValueError as error:
            return [f"{where}: {error}"]
        return [f"{where}: unknown field {field[1:]}" for field in _dropped(document, kept, "")]
    found = []
    for version in versions:
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
            message = getattr(error, "message", None) or str(error)
            found.append(f"{where} ({version}): {message}")
    return found
