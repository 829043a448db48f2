//! Compares the kernels of every ISA with the scalar ones: every bit, every error, every unit of
//! recorded work.
//!
//! Each check runs for every ISA, whose kernels must pass, and once for [`wrong::Wrong`], which
//! must fail: a check that cannot fail proves nothing.

mod attention;
mod compare;
mod dense;
mod elementwise;
mod fence;
mod grouped;
mod inputs;
mod read;
mod screen;
mod shifted;
mod ternary;
mod wrong;

macro_rules! checks_of_isa {
    ($name:ident, $isa:ident, $(($module:ident, $check:ident))*) => {
        mod $name {
            $(
                #[test]
                fn $check() {
                    let isa = engine_native::Isa::$isa;
                    super::compare::assert_passes(isa, super::$module::$check);
                }
            )*
        }
    };
}

macro_rules! checks {
    ($($module:ident { $($check:ident,)* })*) => {
        checks_of_isa! { avx2_equals_scalar, Avx2, $($(($module, $check))*)* }
        checks_of_isa! { avx_vnni_equals_scalar, AvxVnni, $($(($module, $check))*)* }
        checks_of_isa! { avx512_vnni_equals_scalar, Avx512Vnni, $($(($module, $check))*)* }
        checks_of_isa! { amx_equals_scalar, Amx, $($(($module, $check))*)* }

        mod wrong_kernels_are_caught {
            $($(
                #[test]
                fn $check() {
                    let caught = super::$module::$check(&super::wrong::Wrong);
                    assert!(caught.is_err(), "the check passed kernels that are wrong");
                }
            )*)*
        }
    };
}

checks! {
    elementwise {
        rms_norm_of_every_length,
        rms_norm_of_random_input,
        squared_relu_mul_of_every_length,
        squared_relu_mul_of_random_input,
        silu_mul_of_every_length,
        silu_mul_of_random_input,
        residual_add_of_every_length,
        residual_add_of_random_input,
    }
    ternary {
        quantize_of_every_length,
        quantize_of_random_input,
        quantize_of_ties,
        ternary_gemv_of_every_shape,
        ternary_gemv_of_extreme_weights,
        ternary_gemv_of_random_input,
        ternary_gemv_of_every_arrangement,
        ternary_gemv_of_extremes_in_every_arrangement,
        ternary_gemm_of_every_shape,
        ternary_gemm_in_parts,
        ternary_gemm_of_extreme_weights,
        ternary_gemm_of_random_input,
        ternary_gemm_equals_scalar_gemv,
        ternary_products_of_padded_rows,
    }
    grouped {
        quantize_blocks_of_every_length,
        quantize_blocks_of_ties,
        quantize_blocks_of_random_input,
        grouped_gemv_of_every_shape,
        grouped_gemv_of_random_input,
        grouped_gemm_of_every_shape,
        grouped_gemm_of_random_input,
        grouped_products_of_extremes,
        grouped_products_of_distant_scales,
        grouped_products_agree,
        grouped_embedding_row_of_every_shape,
    }
    attention {
        rope_of_every_length,
        rope_of_random_input,
        kv_store_of_every_length,
        kv_store_of_every_half,
        kv_store_of_random_input,
        attention_scores_of_every_length,
        attention_scores_of_random_input,
        softmax_of_every_length,
        softmax_of_random_input,
        attention_values_of_every_length,
        attention_values_of_random_input,
    }
    dense {
        embedding_row_of_every_length,
        embedding_row_of_every_half,
        embedding_row_of_random_input,
        output_gemv_of_every_shape,
        output_gemv_of_random_input,
        argmax_of_every_length,
        argmax_of_ties,
        argmax_of_random_input,
    }
    screen {
        output_screen_of_every_shape,
        output_screen_of_extremes,
        output_screen_of_random_input,
        output_refine_of_every_shape,
        output_refine_of_extremes,
        output_refine_of_random_input,
        reaching_of_every_length,
        reaching_of_random_input,
    }
    read {
        read_of_every_length,
    }
}
