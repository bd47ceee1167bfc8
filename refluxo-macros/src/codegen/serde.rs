//! The enum by itself as JSON: `{"at": …, "state": {…}}`.

use proc_macro2::TokenStream;
use quote::quote;

use crate::compile::Source;

/// Emits `Serialize` and `Deserialize`, which delegate to the fields' own encoding; `bounds` say when the workflow is a machine.
pub(super) fn emit(source: &Source, bounds: &TokenStream) -> TokenStream {
    let machine = &source.enum_ident;
    quote! {
        #[automatically_derived]
        impl ::refluxo::__private::serde::Serialize for #machine #bounds {
            fn serialize<S: ::refluxo::__private::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                ::refluxo::__private::serialize_machine(self, serializer)
            }
        }

        #[automatically_derived]
        impl<'de> ::refluxo::__private::serde::Deserialize<'de> for #machine #bounds {
            fn deserialize<D: ::refluxo::__private::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                ::refluxo::__private::deserialize_machine(deserializer)
            }
        }
    }
}
