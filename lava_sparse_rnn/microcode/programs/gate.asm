; SPDX-License-Identifier: BSD-3-Clause
; Gate neurons: they gate z by its own sigmoid and add the block's input.
;
;     g   = fit(shift(W + bias, k_g))
;     out = fit(relu(shift(z * sigmoid(g), k_h) + shift(u, k_u)))
;
; With m = |g| and 15 fractional bits, where 32768 is 1.0:
;
;     p = min(32768, min over lines i of (slope_i * m >> shift_i) + offset_i)
;     sigmoid(g) = p where g >= 0, else 32768 - p
;
; Lines always round down, whatever the network's rounding.

.program gate

.param lines    4               ; how many straight lines make the sigmoid
.param g_bits   16              ; width of the sigmoid's argument
.param out_bits 16              ; width of the wire

.const bias per_neuron 32       ; in units of W's accumulator
.const k_g  per_neuron 8        ; shift from W's accumulator to g
.const k_h  per_neuron 8        ; shift of the gated value to the output wire
.const k_u  per_neuron 8        ; shift of the input to the output wire
.repeat lines i
.const slope{i}                 ; of line i, for all neurons
.const offset{i}                ; of line i, for all neurons
.const shift{i} per_neuron 8    ; of line i: it knows where this neuron's g has its point
.end
.acc   W                        ; W z
.acc   z                        ; z itself, through a synapse of weight 1
.acc   u                        ; the block's input, of the same token
.out   out out_bits             ; the block's answer
.reg   g g_bits counted         ; the sigmoid's argument; what does not fit counts
.reg   m                        ; its magnitude
.reg   p                        ; the lowest line so far, then the sigmoid
.reg   v                        ; a value on its way
.reg   t                        ; a constant of this neuron

        RDC     v, W            ; v = W z
        MOV     t, bias         ; fetch the bias
        ADD     v, v, t         ; in the accumulator's units
        MOV     t, k_g          ; fetch the shift
        MUL_SHR g, v, 1, t      ; g, fitted to its width
        NEG     m, g            ; -g
        MIN     m, m, g         ; the smaller of g and -g is -|g|
        NEG     m, m            ; m = |g|
        MOV     p, 32768        ; the lid, 1.0
.repeat lines i
        MOV     t, shift{i}                 ; fetch line i's shift
        MUL_SHR v, m, slope{i}, t, floor    ; slope times magnitude
        ADD     v, v, offset{i}             ; height of line i
        MIN     p, p, v                     ; keep the lower one
.end
        NEG     v, p            ; -p
        ADD     v, v, 32768     ; 1 - p, the other half of the sigmoid
        LT      g, 0            ; flag: g is in that half
        SEL     p, v, p         ; p = sigmoid(g)
        RDC     v, z            ; v = z
        MOV     t, k_h          ; fetch the shift of the product
        MUL_SHR p, v, p, t      ; z times its gate, in the output's units
        RDC     v, u            ; v = the block's input
        MOV     t, k_u          ; fetch its shift
        MUL_SHR v, v, 1, t      ; in the output's units
        ADD     v, v, p         ; residual
        GE      0, v            ; flag: ReLU leaves nothing
        SKP_C   1               ; then leave out the spike
        SPIKE   out, v          ; fitted to the wire's width
