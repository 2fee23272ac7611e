; SPDX-License-Identifier: BSD-3-Clause
; Recurrence neurons: each holds one complex number x.
;
;     x = fit(a x + shift(B + bias, k_B))     each of the four products shifted alone
;     s = nonlinearity(fit(shift(x, k_x)))    sent as two messages
;
; B_re and B_im are what the synapses have added up. The nonlinearity looks at the
; integers as they fit the wire:
;
;     real_gate  both parts pass where re > 0, or re == 0 and im > 0
;     split      each part passes where it is positive
;     none       both pass
;
; Between tokens a clocked neuron drops what arrives, keeps its state and sends
; nothing.

.program recurrence

.param nonlinearity real_gate   ; real_gate, split or none
.param state_bits 24            ; width of each part of x
.param a_bits     16            ; width of each part of a
.param out_bits   16            ; width of the wires
.param clocked    0             ; 1: wait for the first token, then for each next one
.param resets     0             ; 1: back to zero after a number of tokens

.const bias_re per_neuron 32    ; in units of the accumulators
.const bias_im per_neuron 32    ; the same, imaginary part
.const k_B     per_neuron 8     ; shift from the accumulators to the state
.const a_re    per_neuron a_bits ; real part of the multiplier
.const a_im    per_neuron a_bits ; imaginary part
.const a_frac                   ; fractional bits of a, for all neurons
.const k_x     per_neuron 8     ; shift from the state to the wires
.acc   B_re                     ; real part of B u
.acc   B_im                     ; imaginary part
.state x_re state_bits          ; the state, real part; what does not fit counts
.state x_im state_bits          ; imaginary part
.out   s_re out_bits            ; to the readout, real part
.out   s_im out_bits            ; imaginary part
.reg   d_re                     ; the drive, then the next state, real part
.reg   d_im                     ; imaginary part
.reg   re                       ; the state, real part
.reg   im                       ; imaginary part
.reg   a                        ; real part of the neuron's multiplier
.reg   b                        ; imaginary part
.reg   t                        ; anything short-lived

        RDC     d_re, B_re      ; what has arrived; cleared even if no token is here
        RDC     d_im, B_im      ; imaginary part
.if clocked 1
.const first                    ; depth + 1: the step of the first token, from 1
.const again                    ; depth + 1 - period: age just after a token
.state age 32                   ; counts steps; `first` when a token is here
        RMW     t, age, 1       ; one more step
        LT      t, first        ; flag: no token is here
        JMP_C   idle            ; then keep the state and send nothing
        MOV     age, again      ; the next token is `period` steps away
.end
.if resets 1
.const tokens                   ; between two resets
.state seen 32                  ; tokens since the last reset
        RMW     t, seen, 1      ; this token too
        GE      tokens, t       ; flag: it still belongs to the same sequence
        SKP_C   3               ; then leave out the reset
        MOV     x_re, 0         ; a new sequence starts from zero
        MOV     x_im, 0         ; imaginary part
        MOV     seen, 1         ; with this token as its first
.end
        MOV     a, k_B          ; fetch the shift of the drive
        MOV     t, bias_re      ; fetch the bias
        ADD     d_re, d_re, t   ; in the accumulator's units
        MUL_SHR d_re, d_re, 1, a ; drive, real part, in the state's units
        MOV     t, bias_im      ; fetch the other bias
        ADD     d_im, d_im, t   ; in the accumulator's units
        MUL_SHR d_im, d_im, 1, a ; drive, imaginary part
        MOV     re, x_re        ; fetch the state
        MOV     im, x_im        ; imaginary part
        MOV     a, a_re         ; fetch the multiplier
        MOV     b, a_im         ; imaginary part
        MUL_SHR t, a, re, a_frac ; a_re x_re
        ADD     d_re, d_re, t   ; x_re' = drive + a_re x_re
        MUL_SHR t, b, im, a_frac ; a_im x_im
        NEG     t, t            ; rounded before the sign
        ADD     d_re, d_re, t   ; x_re' = drive + a_re x_re - a_im x_im
        MUL_SHR t, a, im, a_frac ; a_re x_im
        ADD     d_im, d_im, t   ; x_im' = drive + a_re x_im
        MUL_SHR t, b, re, a_frac ; a_im x_re
        ADD     d_im, d_im, t   ; x_im' = drive + a_re x_im + a_im x_re
        MOV     x_re, d_re      ; store, fitted to the state's width
        MOV     x_im, d_im      ; imaginary part
        MOV     re, x_re        ; fetch what has been kept
        MOV     im, x_im        ; imaginary part
        MOV     t, k_x          ; fetch the shift to the wires
        MUL_SHR re, re, 1, t    ; in units of the wires, not yet fitted
        MUL_SHR im, im, 1, t    ; imaginary part
.if nonlinearity real_gate
.reg   w_re out_bits            ; a part as it fits the wire
.reg   w_im out_bits            ; imaginary part
        MOV     w_re, re        ; the decision is about what fits
        MOV     w_im, im        ; imaginary part
        EQ      w_re, 0         ; flag: the real part says nothing
        SEL     t, w_im, w_re   ; then the imaginary part decides
        GE      0, t            ; flag: the number does not pass
        JMP_C   idle            ; then nothing is sent
        SPIKE   s_re, re        ; fitted; what does not fit counts
        SPIKE   s_im, im        ; imaginary part
.end
.if nonlinearity split
.reg   w_re out_bits            ; a part as it fits the wire
.reg   w_im out_bits            ; imaginary part
        MOV     w_re, re        ; the decision is about what fits
        MOV     w_im, im        ; imaginary part
        GE      0, w_re         ; flag: the real part does not pass
        SKP_C   1               ; then leave out its spike
        SPIKE   s_re, re        ; fitted; what does not fit counts
        GE      0, w_im         ; flag: the imaginary part does not pass
        SKP_C   1               ; then leave out its spike
        SPIKE   s_im, im        ; imaginary part
.end
.if nonlinearity none
        SPIKE   s_re, re        ; fitted; what does not fit counts
        SPIKE   s_im, im        ; imaginary part
.end
idle:
