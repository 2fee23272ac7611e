# SPDX-License-Identifier: BSD-3-Clause
"""What every room offers, in one table: a name that goes or comes is seen here."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import lava_sparse_rnn

ROOMS = {
    "fixed_point": """
        Arithmetic Brief Immutable IntegerArithmetic MAX_BITS MAX_SHIFT OVERFLOWS
        OverflowCounters PLAN QFormat ROUNDINGS RealArithmetic SIGMOID_FRAC
        SIGMOID_ONE Shift SigmoidLines SpecError as_array brief check_flag
        check_number check_whole choose fit_lines frozen_ints lines_from_points
        lines_from_real quantize saturate shift shown span wrap
    """,
    "spec": """
        ACCUMULATOR_LIMIT Affine Bias Diagonal FORMAT_VERSION HEADS LAYER_TYPES Layer
        NONLINEARITIES Network PROOFS Recipe S4D S5Block Sequences SpecError Stream
        Weights Wire check_network graph groups head_of load locate random_network read
        read_layer read_recipe reference shifted_bound shipped tables validate write
        write_layer write_recipe
    """,
    "spec.quantize": """
        HEADROOM RECIPES RealAffine RealBlock RealS4D affine_group
        as_recipe gate_group peaks_of quantize_affine quantize_block
        quantize_layer quantize_network quantize_s4d range_frac readout_group
        recipe recipe_of_one recurrence_group sigmoid_table wire worst_case
    """,
    "engine": """
        EXTENSION Engine Stream available supports
    """,
    "c_export": """
        Export FixedPointDenoiser Sizes browser_page export export_denoiser
        identifier_of ladspa_bytes ladspa_plugin measure
    """,
    "microcode": """
        AssemblyError BINDINGS Declaration Finding Instruction InstructionCount
        Interpreter Kind MicrocodeError OPCODES Opcode Position Program Report
        Stream Timing Tracer assemble check constants_for disassemble
        interpreter_for program_for run source
    """,
    "proc": """
        ActorDiedError Affine Clock Gate Head MODES MicrocodeNeurons MicrocodeSimCfg
        NoHardwareError PROCESSES Readout Recurrence RemoteError RunCfg S4D S5Block
        STATE_VARS Session Sink Snapshot Source SparseRNN Timing instructions overflows
        reset run
    """,
    "proc.neurons": """
        FixedPt FloatingPt GroupModel GuardedModel Microcode NeuronGroup
        TimedProcess TokenSchedule models_of
    """,
    "netx.hdf5": """
        BUILDERS Layer MixedNetwork Network Options OwnNetwork Place View
        register
    """,
    "loihi2": """
        Activity BOARDS Board Bundle BundleError Chip ChipGroup Choice
        Coefficients Connection Counts DeploymentError Estimate Loihi2Error
        Mapping MemoryModel Mode OBJECTIVES PRESETS RULES Tally TermTime
        Violation as_board as_coefficients best count estimate estimate_dict
        least_work load_bundle map_network mapping_dict measure neuron_groups sweep
        tables violations weigh work write_bundle
    """,
    "loihi2.deployment": """
        BoardImage Bundle BundleError CheckResult CoreImage CoreSynapses
        CpuBackend DeploymentBackend DeploymentError ENTRY_POINTS GroupProgram
        MODES Manifest Route SCHEMA_VERSION available board_image check create
        group_program json_schema load_bundle opened write_bundle
    """,
    "nn": """
        S5Block S5Options SparseRNN TopK blocks gated_scan heads load_s5
        parameter_groups quantize relufy sparsify
    """,
    "nn.quantize": """
        FoldedAffine FoldedBlock FoldedNetwork QuantizedRNN RECIPES Ranges
        Report TensorError calibrate centred error_report export_hdf5 fold quantize
        recipe sigmoid_table unfold with_silence worst_case
    """,
    "nn.blocks": """
        Affine Block S5 calibrate export_hdf5 prunable quantize
    """,
    "nn.sparsify": """
        ActivityPenalty Constant Cubic DISTRIBUTIONS OneShot PATTERNS PENALTIES
        Pruner SCHEDULES SCORES erdos_renyi global_ prune prune_corrected sparsity
        uniform
    """,
    "audio": """
        Analyzer AudioError DEFAULT_CACHE Denoiser FrontEnd
        MissingDependencyError Mix Mixer MixerConfig NdnsFolder NdnsItem
        NdnsSegments SAMPLE_RATE SegmentsConfig Stft Synthesizer WavInfo batches
        fetch find_lag open_split oversubtract si_snr si_snr_improvement write_set
    """,
    "audio.peers": """
        Denoise PEERS Peer
    """,
    "netx.token_gate": """
        TokenGate
    """,
    "train": """
        Evaluation FloatStage IntegerStage Result TASKS Task TrainConfig complete
        evaluate find_task fit open_float register run task_of
    """,
    "study": """
        Row Study StudyConfig Trial read_study read_table run trials write_table
    """,
    "inline": """
        DeadlockError INLINE PROCESSES RUNTIMES Runtime check chosen install
        runtime start uninstall
    """,
    "tasks.denoise": """
        DataConfig Denoise FrontEndConfig
    """,
    "tasks.digits": """
        Digits DigitsConfig
    """,
    "interchange.neurobench": """
        NetworkModel SparseFootprint
    """,
    "interchange.nir": """
        LinearRecurrence ReLU SigmoidGate export load write
    """,
    "interchange.nir.network": """
        Network
    """,
    "interchange.onnx": """
        Session export metadata write
    """,
}
# Rooms of one file, of which a reader sees all that has no underscore.
OF_ONE_FILE = {
    *("backends", "files", "markup", "messages", "lava_finder", "lava_patches"),
    *("pictures", "progress", "report", "signals", "handover", "openmp"),
}
NEEDS = {
    **dict.fromkeys(("proc", "netx", "inline"), "lava"),
    **dict.fromkeys(("nn", "train", "tasks", "study"), "torch"),
    "interchange.neurobench": "neurobench",
    "interchange.nir": "nir",
    "interchange.nir.network": "nir lava",
    "interchange.onnx": "onnx",
}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_offers_these_names(room):
    if needed := NEEDS.get(room, NEEDS.get(room.partition(".")[0])):
        for package in needed.split():
            pytest.importorskip(package)
    module = importlib.import_module(f"lava_sparse_rnn.{room}")
    assert sorted(module.__all__) == ROOMS[room].split()
    for name in module.__all__:
        getattr(module, name)


def offered(package):
    """The names in ``__all__`` of a package, read and not imported."""
    for node in ast.parse(package.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


def test_a_folder_of_a_room_offers_nothing_that_the_table_lacks():
    """Lava finds models beside their Process: such folders repeat names of the room."""
    root = Path(lava_sparse_rnn.__file__).parent
    for path in root.rglob("__init__.py"):
        parts = path.parent.relative_to(root).parts
        hidden = not parts or parts[0] == "cli" or any(p[0] == "_" for p in parts)
        if hidden or ".".join(parts) in ROOMS:
            continue
        above = [".".join(parts[:n]) for n in range(1, len(parts) + 1)]
        pinned = {name for room in above for name in ROOMS.get(room, "").split()}
        assert offered(path) <= pinned, ".".join(parts)


def test_every_room_is_in_the_table():
    pinned = {room.partition(".")[0] for room in ROOMS} | OF_ONE_FILE
    rooms = {
        path.stem if path.is_file() else path.name
        for path in Path(lava_sparse_rnn.__file__).parent.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
    assert rooms - pinned == {"__init__", "__main__", "cli"}


LAZY = """
import sys
import lava_sparse_rnn
assert not {"numpy", "lava", "torch"} & set(sys.modules)
assert {"spec", "netx", "proc", "nn", "engine"} <= set(dir(lava_sparse_rnn))
network = lava_sparse_rnn.spec.load("denoiser_small")
assert not {"lava", "torch"} & set(sys.modules)
from lava_sparse_rnn import netx
assert "hdf5" in dir(netx)
print(netx.hdf5.Network(net_config="denoiser_small").latency == network.latency)
"""


@pytest.mark.slow
def test_rooms_are_there_when_they_are_used_as_lava_dl_spells_them():
    pytest.importorskip("lava.magma")
    done = subprocess.run([sys.executable, "-c", LAZY], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("True\n", 0), done.stderr
