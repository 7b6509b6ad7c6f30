"""The images and the job for Kubernetes: what they copy is there, and what one says the other has."""

import json
import re
import shlex
from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed: pip install 'ddtrain[lint]'")
jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed: pip install 'ddtrain[lint]'")

LAUNCH = Path(__file__).parents[2] / "launch"


@pytest.fixture
def mpijob():
    return yaml.safe_load((LAUNCH / "mpijob.yaml").read_text())


@pytest.fixture(scope="module")
def errors():
    """What is wrong with a job, by the operator's own schema."""
    schema = json.loads(Path(__file__).with_name("mpijob.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return lambda job: [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(job)]


def pod(mpijob, role):
    return mpijob["spec"]["mpiReplicaSpecs"][role]["template"]["spec"]


def test_the_operator_takes_the_job(mpijob, errors):
    assert (mpijob["apiVersion"], mpijob["kind"]) == ("kubeflow.org/v2beta1", "MPIJob")
    assert errors(mpijob) == []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda job: job["spec"].update(slotPerWorker=4), "slotPerWorker"),
        (lambda job: job["spec"].update(mpiImplementation="mpich"), "is not one of"),
        (lambda job: job["spec"].pop("mpiReplicaSpecs"), "required"),
        (lambda job: pod(job, "Worker")["containers"][0].update(ports="2222"), "ports"),
        (lambda job: pod(job, "Worker")["containers"][0].update(command="sshd"), "is not of type 'array'"),
    ],
)
def test_the_schema_finds_a_mistake(mpijob, errors, spoil, said):
    spoil(mpijob)
    assert any(said in message for message in errors(mpijob))


def test_the_job_starts_as_many_ranks_as_its_workers_have_cores(mpijob):
    worker, slots = mpijob["spec"]["mpiReplicaSpecs"]["Worker"], mpijob["spec"]["slotsPerWorker"]
    command = pod(mpijob, "Launcher")["containers"][0]["command"]
    assert command[:3] == ["mpirun", "-n", str(worker["replicas"] * slots)]
    assert pod(mpijob, "Worker")["containers"][0]["resources"]["limits"]["cpu"] == str(slots)


def test_the_job_finds_in_the_image_what_it_asks_for(mpijob):
    """The user, the port and the files of ssh, and MPICH, whose mpirun comes with the extra ``mpi``."""
    image, worker = (LAUNCH / "Dockerfile").read_text(), pod(mpijob, "Worker")
    assert "[mpi]" in image
    assert mpijob["spec"]["mpiImplementation"] == "MPICH"
    user = re.search(r"useradd .*--uid (\d+) (\w+)", image)
    assert {pod(mpijob, role)["securityContext"]["runAsUser"] for role in ("Launcher", "Worker")} == {int(user[1])}
    assert mpijob["spec"]["sshAuthMountPath"] == f"/home/{user[2]}/.ssh"
    ports = re.findall(r"'Port (\d+)'", image)
    assert ports == [str(worker["containers"][0]["readinessProbe"]["tcpSocket"]["port"])] * 2
    assert worker["containers"][0]["command"][-1] in image.replace(">", " ").split()


def test_images_have_a_python_that_will_do():
    wanted = re.search(r'requires-python = ">=3\.(\d+)"', (LAUNCH.parent / "pyproject.toml").read_text())
    for name in ("Dockerfile", "apptainer.def"):
        has = re.search(r"^from:? python:3\.(\d+)-", (LAUNCH / name).read_text(), re.MULTILINE | re.IGNORECASE)
        assert int(has[1]) >= int(wanted[1])


def test_images_copy_what_the_package_is_built_of():
    copies = [line.split()[1:-1] for line in (LAUNCH / "Dockerfile").read_text().splitlines() if "COPY" in line[:4]]
    docker = {name for names in copies for name in names}
    section = re.search(r"^%files\n(.*?)^%", (LAUNCH / "apptainer.def").read_text(), re.MULTILINE | re.DOTALL)
    assert docker == {shlex.split(line)[0] for line in section[1].splitlines() if line.strip()}
    assert docker == {"pyproject.toml", "README.md", "LICENSE", "ddtrain"}
    assert all((LAUNCH.parent / name).exists() for name in docker)
