; SPDX-License-Identifier: BSD-3-Clause
; Affine neurons: encoder and decoder.
;
;     out = fit(relu(shift(W + bias, k)))        ReLU only where relu is 1
;
; W is what the synapses have added up. A neuron without ReLU sends every step;
; one that its ReLU silences skips the SPIKE.

.program affine

.param relu     1               ; 1: negative values are not sent
.param out_bits 16              ; width of the wire

.const bias per_neuron 32       ; in units of the accumulator
.const k    per_neuron 8        ; shift from the accumulator to the wire
.acc   W                        ; what arrives
.out   out out_bits             ; what leaves
.reg   v                        ; the value on its way
.reg   t                        ; a constant of this neuron

        RDC     v, W            ; v = what has arrived; the accumulator is 0 again
        MOV     t, bias         ; fetch the bias
        ADD     v, v, t         ; it is in the accumulator's units
        MOV     t, k            ; fetch the shift
        MUL_SHR v, v, 1, t      ; now in the wire's units
.if relu 1
        GE      0, v            ; flag: nothing to send
        SKP_C   1               ; then leave out the spike
.end
        SPIKE   out, v          ; fitted to the wire's width
