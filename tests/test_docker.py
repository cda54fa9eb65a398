"""The scaled deployment, as far as it can be tested without an engine: the compose file, the image's install script."""

import json
import os
import re
import subprocess
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import yaml

DOCKER = Path(__file__).parents[1] / "docker"
TEXT = (DOCKER / "compose.yaml").read_text()
EXAMPLE = dict(re.findall(r"(?m)^([A-Z0-9_]+)=(.*)$", (DOCKER / "env.example").read_text()))
DOCKERFILE = (DOCKER / "Dockerfile").read_text()


def interpolated(text):
    """Return text with ${NAME:-default} and ${NAME:?} filled in as Compose does before it reads the file."""
    return re.sub(r"\$\{(\w+)(?::([-?])([^}]*))?\}", lambda found: found[3] if found[2] == "-" else "secret", text)


COMPOSE = yaml.safe_load(interpolated(TEXT))
SERVICES = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("hazmon:")}


def mounted(service):
    return [volume.split(":")[0] for volume in service.get("volumes", [])]


def needed(service):
    """Return what a service waits for, and until when."""
    wanted = service.get("depends_on", {})
    return wanted if isinstance(wanted, dict) else {name: {"condition": "service_started"} for name in wanted}


def parsed(value):
    compose_spec = pytest.importorskip("compose_spec", reason="the parser of the Compose specification is not installed")
    return compose_spec.PyCompose.from_json(json.dumps(value))


def test_the_file_keeps_the_compose_specification():
    assert set(parsed(COMPOSE).service_names()) == set(SERVICES)


@pytest.mark.parametrize(
    "fault",
    [
        {"restart": "sometimes"},
        {"comand": ["airflow"]},
        {"depends_on": {"redis": {"condition": "healthy"}}},
        {"ports": ["127.0.0.1:99999:80"]},
    ],
    ids=str,
)
def test_a_fault_against_the_specification_would_be_found(fault):
    with pytest.raises(ValueError, match=r"\S"):
        parsed({**COMPOSE, "services": {**SERVICES, "worker": {**SERVICES["worker"], **fault}}})


def test_the_parts_that_the_page_on_deployment_names_are_there():
    page = (DOCKER.parent / "docs/deploy.md").read_text()
    table = page.partition("| part |")[2].partition("\n\n")[0]
    rows = re.findall(r"(?m)^\| ([a-z, -]+) \|", table)
    named = {name for row in rows for name in row.split(", ")}
    assert named and named <= set(SERVICES)
    assert COMPOSE["x-airflow"]["environment"]["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"


def test_every_secret_is_asked_for_in_the_example_and_has_no_default():
    asked = set(re.findall(r"\$\{(\w+):\?\}", TEXT))
    assert asked == set(EXAMPLE) and not any(EXAMPLE.values())
    assert set(re.findall(r"\$\{(\w+)[:}]", TEXT)) - asked == {"HAZMON_VERSION"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_only_for_what_is_there_and_can_be_waited_for(name):
    for other, how in needed(SERVICES[name]).items():
        service = SERVICES[other]
        if how["condition"] == "service_healthy":
            assert service["healthcheck"]["test"][0] == "CMD", other
        if how["condition"] == "service_completed_successfully":
            assert service["restart"] == "on-failure", f"{other} never ends"


def test_no_service_waits_for_itself():
    def reached(name, seen=()):
        assert name not in seen, f"{name} waits for itself"
        return [reached(other, (*seen, name)) for other in needed(SERVICES[name])]

    assert all(isinstance(reached(name), list) for name in SERVICES)


def test_volumes_and_secrets_are_declared_and_used():
    assert {name for service in SERVICES.values() for name in mounted(service)} == set(COMPOSE["volumes"])
    assert {name for service in SERVICES.values() for name in service.get("secrets", [])} == set(COMPOSE["secrets"])
    example = json.loads((DOCKER / "s3.example.json").read_text())
    assert not any(key for identity in example["identities"] for key in identity["credentials"][0].values())


def test_ports_are_bound_to_loopback_only():
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports and all(port.startswith("127.0.0.1:") for port in ports)


def test_every_address_between_services_names_a_service():
    hosts = re.findall(r"(?:://(?:[^/@\s]*@)?|-ip=|-master=)([a-z][a-z-]*)[:/]?", TEXT)
    assert {host for host in hosts if host != "hazmon"} <= set(SERVICES)


@pytest.mark.parametrize("name", OURS)
def test_the_command_of_a_service_is_installed_in_the_image(name):
    commands = {entry.name for entry in entry_points(group="console_scripts")} | {"hazmon"}
    assert OURS[name]["command"][0] in commands


def test_foreign_images_are_pinned_to_a_version():
    images = {service["image"] for service in SERVICES.values() if service not in OURS.values()}
    assert all(re.fullmatch(r"[a-z/]+:\d[\w.-]*", image) for image in images), images


def test_the_object_store_knows_conditional_writes():
    versions = {service["image"].partition(":")[2] for service in SERVICES.values() if "seaweedfs" in service["image"]}
    assert all(tuple(map(int, version.split("."))) >= (3, 97) for version in versions)


def test_the_image_copies_what_is_there_and_runs_as_nobody_special():
    root = DOCKER.parent
    assert all((root / name).is_dir() for name in re.findall(r"/src/(dags|config)\b", DOCKERFILE))
    assert "USER hazmon" in DOCKERFILE and "/src/docker/install /src /opt/hazmon" in DOCKERFILE
    ignored = (root / ".dockerignore").read_text().split()
    assert not {"docker", "pipeline", "config", "dags", "constraints.txt"} & set(ignored)
    assert os.access(DOCKER / "install", os.X_OK)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_install_script_makes_the_image_in_a_clean_environment(tmp_path):
    if not (os.environ.get("HAZMON_SLOW_TESTS") or os.environ.get("CI")):
        pytest.skip("HAZMON_SLOW_TESTS is not set: installing everything again takes about a minute")
    target = tmp_path / "image"
    kept = ("HOME", "LANG", "UV_", "PIP_", "SSL_", "REQUESTS_", "HTTP", "http", "NO_PROXY", "no_proxy", "XDG_CACHE")
    clean = {name: value for name, value in os.environ.items() if name.startswith(kept)} | {
        "PATH": "/usr/local/bin:/usr/bin:/bin"
    }
    subprocess.run([DOCKER / "install", DOCKER.parent, target], cwd=tmp_path, env=clean, check=True)
    shipped = {**clean, "HAZMON_CONFIG": str(DOCKER.parent / "config"), "NUMBA_CACHE_DIR": str(target / "numba")}
    found = subprocess.run([target / "bin/hazmon", "check"], cwd=tmp_path, env=shipped, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    assert any((target / "numba").rglob("*.nbi")), "kernels are not compiled in the image"
    for service in OURS.values():
        assert os.access(target / "bin" / service["command"][0], os.X_OK), service["command"]
