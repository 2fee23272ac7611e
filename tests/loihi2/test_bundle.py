# SPDX-License-Identifier: BSD-3-Clause
"""Bundles: what is written is what is read, and damage is named."""

import io
import json
import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from lava_sparse_rnn import loihi2, microcode, spec
from lava_sparse_rnn.loihi2 import deployment
from lava_sparse_rnn.loihi2.groups import neuron_groups
from lava_sparse_rnn.spec.sequences import answers_to

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def network():
    return spec.random_network(np.random.default_rng(8), 7, 12, 9, 5, 1, 0.4)


@pytest.fixture(scope="module")
def written(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("bundle") / "b"
    mapping = loihi2.map_network(network, "kapoho_point", cores=13)
    loihi2.write_bundle(network, path, mapping)
    return path


@pytest.fixture
def bundle(written, tmp_path):
    """A copy to damage."""
    return Path(shutil.copytree(written, tmp_path / "b"))


def rewrite(path, change):
    """Change a manifest as somebody with an editor would."""
    file = path / "manifest.json"
    manifest = json.loads(file.read_text())
    change(manifest)
    file.write_text(json.dumps(manifest))


def replace_file(path, name, content):
    """Change a file and its checksum."""
    (path / name).write_bytes(content)

    def change(manifest):
        entry = {"sha256": sha256(content).hexdigest(), "bytes": len(content)}
        manifest["files"][name] = entry

    rewrite(path, change)


def archive(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def test_it_holds_the_network(network, written):
    bundle = loihi2.load_bundle(written)
    assert bundle.manifest.network.latency == network.latency
    for group in neuron_groups(network):
        for mode, period in (("pipelined", 1), ("fall_through", network.latency)):
            part = bundle.group_program(group.name, mode)
            timing = microcode.Timing(group.depth, period)
            assert part.program == microcode.program_for(group.constants, timing)
            expected = microcode.constants_for(group.constants, timing)
            assert part.constants.keys() == expected.keys()
            for name, value in expected.items():
                assert np.array_equal(part.constants[name], value), name
        for c in group.inputs:
            assert (bundle.weights[c.name] != c.matrix).nnz == 0
    x = bundle.golden_input
    assert np.array_equal(bundle.golden_output, spec.reference.run(network, x))
    fmt = network.layers[0].inp.format
    assert x.min() >= fmt.lowest
    assert x.max() <= fmt.highest
    assert len(np.unique(x)) > 100
    frac = bundle.manifest.output.frac
    y = bundle.golden_output
    assert np.array_equal(np.ldexp(y, [-f for f in frac]), network.from_wire(y))


def test_the_published_schema(written):
    published = json.loads((DOCS / "bundle.schema.json").read_text("utf-8"))
    assert published == deployment.json_schema()
    manifest = json.loads((written / "manifest.json").read_text())
    jsonschema.Draft202012Validator.check_schema(published)
    jsonschema.validate(manifest, published)
    manifest["cores"][0]["chip"] = -1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(manifest, published)


def test_two_runs_write_the_same_bytes(network, written, tmp_path):
    mapping = loihi2.map_network(network, "kapoho_point", cores=13)
    loihi2.write_bundle(network, tmp_path / "again", mapping)
    files = sorted(p.relative_to(written) for p in written.rglob("*") if p.is_file())
    assert len(files) > 20
    for name in files:
        assert (written / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_nothing_is_pickled(written):
    files = list(written.rglob("*.np*"))
    assert {file.suffix for file in files} == {".npy", ".npz"}
    for file in files:
        loaded = np.load(file, allow_pickle=False)
        arrays = [loaded] if file.suffix == ".npy" else list(loaded.values())
        assert {a.dtype.kind for a in arrays} == {"i"}
        if file.suffix == ".npz":
            loaded.close()


def test_given_golden_tokens(network, tmp_path, random_tokens):
    x = random_tokens(network, 3)
    bundle = loihi2.write_bundle(network, tmp_path / "b", golden=x)
    assert np.array_equal(bundle.golden_input, x)
    assert bundle.manifest.golden.source == "given"
    with pytest.raises(loihi2.BundleError, match="no golden tokens"):
        loihi2.write_bundle(network, tmp_path / "c", golden=x[:0])
    with pytest.raises(spec.SpecError, match=r"must be \(T, 7\)"):
        loihi2.write_bundle(network, tmp_path / "c", golden=x[:, :3])
    assert [p.name for p in tmp_path.iterdir()] == ["b"]


@pytest.mark.parametrize("mode", deployment.MODES)
@pytest.mark.parametrize("head", ["mean", "last"])
def test_sequences_and_one_answer_each(network, tmp_path, random_tokens, head, mode):
    net = replace(network, meta={"head": head})
    parts = [random_tokens(net, n) for n in (3, 1, 5)]
    bundle = loihi2.write_bundle(net, tmp_path / "b", golden=parts)
    assert bundle.lengths == (3, 1, 5)
    assert bundle.manifest.network.head == head
    y = [spec.reference.run(net, part) for part in parts]
    assert np.array_equal(bundle.golden_output, np.concatenate(y))
    sequences = spec.Sequences.of(net, parts)
    wanted = answers_to(net, sequences, np.concatenate(y))
    assert np.array_equal(bundle.answers(bundle.golden_output), wanted)
    checked = deployment.check(bundle, "cpu", mode)
    assert checked.equal
    assert "9 answers to 3 sequences of 5 values" in checked.message
    manifest = json.loads((tmp_path / "b" / "manifest.json").read_text())
    jsonschema.validate(manifest, deployment.json_schema())


def test_a_board_that_does_not_forget_between_sequences_is_found(network, tmp_path):
    class Forgetful(deployment.CpuBackend):
        before: np.ndarray | None = None

        def run(self, x):
            whole = x if self.before is None else np.concatenate([self.before, x])
            self.before = whole
            return super().run(whole)[-len(x) :]

    net = replace(network, meta={"head": "mean"})
    bundle = loihi2.write_bundle(net, tmp_path / "b")
    assert bundle.lengths == (8, 8, 8, 8)
    assert deployment.check(bundle).equal
    checked = deployment.check(bundle, Forgetful())
    assert not checked.equal
    assert "of answer 8" in checked.message


def test_a_bundle_of_one_sequence_is_as_it_was(written):
    """Versions that know nothing of sequences read it."""
    manifest = json.loads((written / "manifest.json").read_text())
    assert "head" not in manifest["network"]
    assert "lengths" not in manifest["golden"]
    bundle = loihi2.load_bundle(written)
    assert bundle.lengths == (32,)
    y = bundle.answers(bundle.golden_output)
    assert y.shape == bundle.golden_output.shape


def test_lengths_that_do_not_fit(bundle, network, tmp_path):
    rewrite(bundle, lambda m: m["golden"].update(lengths=[30, 3]))
    with pytest.raises(
        loihi2.BundleError, match="sequences of 33 tokens, there are 32"
    ):
        loihi2.load_bundle(bundle)
    none = [np.zeros((2, 7), int), np.zeros((0, 7), int)]
    with pytest.raises(loihi2.BundleError, match="every sequence has one"):
        loihi2.write_bundle(network, tmp_path / "c", golden=none)


def test_existing_folders(network, bundle, tmp_path):
    before = (bundle / "manifest.json").read_bytes()
    with pytest.raises(loihi2.BundleError, match="a bundle already"):
        loihi2.write_bundle(network, bundle)
    assert (bundle / "manifest.json").read_bytes() == before
    (bundle / "extra").mkdir()
    loihi2.write_bundle(network, bundle, seed=5, overwrite=True)
    assert loihi2.load_bundle(bundle).manifest.golden.source == "seed 5"
    assert not (bundle / "extra").exists()
    home = tmp_path / "home"
    home.mkdir()
    (home / "thesis.tex").touch()
    for path in (home, home / "thesis.tex"):
        with pytest.raises(loihi2.BundleError, match="is no bundle"):
            loihi2.write_bundle(network, path, overwrite=True)
    with pytest.raises(loihi2.BundleError, match="there is no folder"):
        loihi2.write_bundle(network, tmp_path / "none" / "b")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b", "home"]


def test_a_failed_write_leaves_what_was_there(network, bundle, tmp_path, monkeypatch):
    from lava_sparse_rnn.loihi2.deployment import write

    before = (bundle / "manifest.json").read_bytes()

    def fail(*arguments, **arrays):
        raise OSError("disk full")

    monkeypatch.setattr(write.np, "savez_compressed", fail)
    for path in (bundle, tmp_path / "new"):
        with pytest.raises(OSError, match="disk full"):
            loihi2.write_bundle(network, path, overwrite=True)
    assert (bundle / "manifest.json").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["b"]


def test_the_mapping_of_another_network(network, tmp_path):
    # Of the same shape: only weights and constants tell them apart.
    other = spec.random_network(np.random.default_rng(9), 7, 12, 9, 5, 1, 0.4)
    mapping = loihi2.map_network(other)
    with pytest.raises(loihi2.Loihi2Error, match="another network: layer0_weights"):
        loihi2.write_bundle(network, tmp_path / "b", mapping)


WEIGHTS = "synapses/layer1_B_re.npz"
CONSTANTS = "constants/layer1_recurrence.npz"
PROGRAM = "programs/readout.asm"


@pytest.mark.parametrize("name", ["manifest.json", WEIGHTS, PROGRAM])
def test_missing_file(bundle, name):
    (bundle / name).unlink()
    with pytest.raises(loihi2.BundleError, match=name.split("/")[-1]):
        loihi2.load_bundle(bundle)


@pytest.mark.parametrize("name", [WEIGHTS, CONSTANTS, PROGRAM, "golden/input.npy"])
@pytest.mark.parametrize("cut", [False, True])
def test_changed_file(bundle, name, cut):
    content = bytearray((bundle / name).read_bytes())
    content[-1] ^= 1
    (bundle / name).write_bytes(content[:40] if cut else content)
    with pytest.raises(loihi2.BundleError, match=f"{name}: is not what was written"):
        loihi2.load_bundle(bundle)


def split(cores):
    """The neurons of the first core in two parts."""
    part = {**cores[0], "first": cores[0]["neurons"] - 1, "neurons": 1, "slot": 1}
    cores[0]["neurons"] -= 1
    cores.append(part)


def core(i, **values):
    return lambda m: m["cores"][i].update(values)


MANIFESTS = {
    "schema version is 2, this library reads 1": lambda m: m.update(schema_version=2),
    "schema version is None": lambda m: m.pop("schema_version"),
    "format is 'zip'": lambda m: m.update(format="zip"),
    'groups.0.depth is "x", must be a whole number': lambda m: m["groups"][0].update(
        depth="x"
    ),
    "extra is not known": lambda m: m.update(extra=1),
    "board.chip: .*have places for": lambda m: m["board"]["chip"].update(cores=999),
    "leads out of the bundle": lambda m: m["groups"][0].update(program="../x"),
    "programs/x.asm is not among its files": lambda m: m["groups"][0].update(
        program="programs/x.asm"
    ),
    "layer0_affine: neuron 0 is on 0 cores": core(0, first=1),
    "layer0_affine: a core has neuron 12, the last": core(0, first=3, neurons=10),
    "there is no group 'layer9'": core(0, group="layer9"),
    "chip 8, core 0, .*: not on kapoho_point": core(0, chip=8),
    "chip 0, core 1: used twice": core(0, core=1),
    "chip 0, core 0: has two parts of layer0_affine": lambda m: split(m["cores"]),
    "group 'layer0_affine' is there 2 times": lambda m: m["groups"].append(
        m["groups"][0]
    ),
    "there is no wire 'w'": lambda m: m["connections"][0].update(source="w"),
    "has no accumulator 'w'": lambda m: m["connections"][0].update(accumulator="w"),
    r"layer0_weights: shape \[12, 8\], must be \[12, 7\]": lambda m: m["connections"][
        0
    ].update(shape=[12, 8]),
    "a weight does not fit 4 bits": lambda m: m["connections"][0].update(bits=4),
    "golden input: a value does not fit 4 bits": lambda m: m["input"].update(bits=4),
    "output: 4 fracs for 5 values": lambda m: m["output"]["frac"].pop(),
    "layer0_weights: there is no wire 'input'": lambda m: m["input"].update(wire="w"),
    "output: wire 'w' has None of 5 values": lambda m: m["output"].update(wire="w"),
    r"golden/input.npy: shape \(32, 7\), must be \(31, 7\)": lambda m: m[
        "golden"
    ].update(tokens=31),
    "layer1_recurrence, .*needs constant 'again'": lambda m: m["groups"][1].update(
        timing={}
    ),
    "layer0_affine: wires are": lambda m: m["groups"][0]["wires"].pop(),
    "manifest.json, layer0_weights: delay is 10000000000+, must be 1, from depth 0 "
    "of 'input' to depth 1 of layer0_affine": lambda m: m["connections"][0].update(
        delay=10**12
    ),
    "manifest.json, network: latency is 1000000000, must be 5 at most, the number of "
    "groups": lambda m: m["network"].update(latency=10**9),
    "manifest.json, network: latency is 1, must be 5, the depth of the group that "
    "sends 'layer2_out'": lambda m: m["network"].update(latency=1),
    "manifest.json, layer1_recurrence: depth is 50, must be 5 at most, the number of "
    "groups": lambda m: m["groups"][1].update(depth=50),
    "layer1_B_re: delay is 1, must be 2, from depth 1 of": lambda m: m["groups"][
        1
    ].update(depth=3),
    r"manifest.json, chip 0, core 5: router is \[0, 0\], must be \[0, 1\]": core(
        5, router=[0, 0]
    ),
    "manifest.json, chip 0, core 0: synapses is 1, must be .*, as many as "
    "layer0_affine has there": core(0, synapses=1),
    "manifest.json, layer0_weights: entry_bits is 1, must be .* for .* weights of 8 "
    "bits": lambda m: m["connections"][0].update(entry_bits=1),
}


@pytest.mark.parametrize("message", MANIFESTS)
def test_manifests_that_cannot_be(bundle, message):
    rewrite(bundle, MANIFESTS[message])
    with pytest.raises(loihi2.BundleError, match=message):
        loihi2.load_bundle(bundle)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (WEIGHTS, b"PK", "cannot be read"),
        (WEIGHTS, archive(data=np.ones(2)), "data: is float64, must be integers"),
        (WEIGHTS, archive(data=np.ones(2, int)), "holds data, must hold data, indices"),
        (
            WEIGHTS,
            archive(data=[1], indices=[99], indptr=[0] * 9 + [1]),
            "cannot be read",
        ),
        (WEIGHTS, archive(data=np.array([{}])), "cannot be read .*allow_pickle"),
        (CONSTANTS, archive(k_B=np.ones(9, int)), "needs constant"),
        (PROGRAM, b"ADD", "ADD has 0 operands"),
        (PROGRAM, b"\xff", "cannot be read"),
        ("golden/input.npy", archive(a=[1]), "must be integers"),
    ],
    ids=lambda v: None if isinstance(v, str) else str(len(v)),
)
def test_files_that_hold_something_else(bundle, name, content, message):
    replace_file(bundle, name, content)
    with pytest.raises(loihi2.BundleError, match=f"(?s){message}"):
        loihi2.load_bundle(bundle)


@pytest.mark.parametrize("past", [1 << 12, 1 << 32, 1 << 63])
def test_weights_that_are_wider_than_they_claim(bundle, past):
    with np.load(bundle / WEIGHTS) as held:
        parts = dict(held)
    # As unsigned ones: those past 63 bits would be negative as signed ones.
    parts["data"] = np.abs(parts["data"]).astype(np.uint64) + np.uint64(past)
    replace_file(bundle, WEIGHTS, archive(**parts))
    with pytest.raises(loihi2.BundleError, match=f"{WEIGHTS}, data: .*does not fit"):
        loihi2.load_bundle(bundle)


def test_a_manifest_that_is_nested_too_deeply(bundle):
    depth = 200_000
    text = '{"format": ' + "[" * depth + "]" * depth + "}"
    (bundle / "manifest.json").write_text(text)
    with pytest.raises(
        loihi2.BundleError, match=r"manifest\.json: .*nested more deeply"
    ):
        loihi2.load_bundle(bundle)


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"format": 1e999}'])
def test_no_manifest(bundle, text):
    (bundle / "manifest.json").write_text(text)
    with pytest.raises(loihi2.BundleError, match=r"manifest\.json"):
        loihi2.load_bundle(bundle)


def test_unknown_names(written):
    bundle = loihi2.load_bundle(written)
    with pytest.raises(loihi2.BundleError, match="no group 'x', there are: layer0"):
        bundle.group_program("x")
    with pytest.raises(loihi2.BundleError, match="must be one of: pipelined, fall"):
        bundle.period("x")
