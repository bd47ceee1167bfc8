//! The call struct to JSON and back.

use proc_macro2::{Span, TokenStream};
use quote::format_ident;
use syn::{Generics, ext::IdentExt, parse_quote};

use super::{StepFn, params::Argument, types};

// Input:
//   pub struct charge { pub order: Order }
// Output:
//   impl Call for charge { NAME, ARGUMENTS, write, read }
//   impl Serialize for charge { … write_call(self, serializer) }
//   impl<'de> Deserialize<'de> for charge { … read_call(deserializer) }
//   impl Debug for charge { … show_call(self, f) }
//   impl Clone for charge where for<'any> Order: Clone { … }
pub(crate) fn impls(step: &StepFn) -> TokenStream {
    let call = call(step);
    let delegates = delegates(step);
    let clone = clone(step);
    quote_hidden!(#call #delegates #clone)
}

/// The step's generics, with what it takes to store the arguments whose types use them.
pub(crate) fn storable_generics(step: &StepFn) -> Generics {
    let mut generics = step.generics.clone();
    let idents = step.type_params();
    for argument in step.arguments() {
        let ty = argument.stored_type();
        if types::mentions(ty.clone(), &idents) {
            generics.make_where_clause().predicates.push(parse_quote!(#ty: ::refluxo::__private::Argument));
        }
    }
    generics
}

/// The arguments one by one; all the rest is in the library.
fn call(step: &StepFn) -> TokenStream {
    let StepFn { ident, name, .. } = step;
    let generics = storable_generics(step);
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let names = step.arguments().map(json_name);
    let writes = step.arguments().map(|argument| {
        let (field, ty, json) = (&argument.ident, argument.stored_type(), json_name(argument));
        quote_hidden! {
            ::refluxo::__private::argument::<#ty, _>(::refluxo::__private::Write(fields, #json), &self.#field)?;
        }
    });
    let read = read(step);
    quote_hidden! {
        impl #impl_generics ::refluxo::__private::Call for #ident #type_generics #where_clause {
            const NAME: &'static str = #name;
            const ARGUMENTS: &'static [&'static str] = &[#(#names),*];

            fn write<F: ::refluxo::__private::serde::ser::SerializeStruct>(
                &self,
                fields: &mut F,
            ) -> ::core::result::Result<(), F::Error> {
                #(#writes)*
                let _ = fields;
                ::core::result::Result::Ok(())
            }

            #read
        }
    }
}

// Input:
//   pub struct charge { pub order: Order }
// Output:
//   fn read(mut fields: A) -> Result<Self, A::Error> {
//       let mut argument_0 = None;
//       while let Some(next) = next_argument::<Self, A>(&mut fields)? {
//           match next {
//               0 => {
//                   let value = argument::<Order, _>(Read::from(&mut fields), ())?;
//                   once(&mut argument_0, value, "order")?;
//               }
//               _ => {}
//           }
//       }
//       Ok(Self { order: required(argument_0, "order")? })
//   }
fn read(step: &StepFn) -> TokenStream {
    let slots = (0..step.arguments().count())
        .map(|position| format_ident!("argument_{position}", span = Span::mixed_site()))
        .collect::<Vec<_>>();
    let arms = step.arguments().enumerate().map(|(position, argument)| {
        let (slot, ty, json) = (&slots[position], argument.stored_type(), json_name(argument));
        quote_hidden! {
            #position => {
                let value = ::refluxo::__private::argument::<#ty, _>(::refluxo::__private::Read::from(&mut fields), ())?;
                ::refluxo::__private::once(&mut #slot, value, #json)?;
            }
        }
    });
    let fields = step.arguments().zip(&slots).map(|(argument, slot)| {
        let (field, json) = (&argument.ident, json_name(argument));
        quote_hidden!(#field: ::refluxo::__private::required(#slot, #json)?)
    });
    let marker = step.has_marker().then(|| quote_hidden!(__marker: ::core::marker::PhantomData));
    let fields = fields.chain(marker);
    quote_hidden! {
        fn read<'de, A: ::refluxo::__private::serde::de::MapAccess<'de>>(
            mut fields: A,
        ) -> ::core::result::Result<Self, A::Error> {
            #(let mut #slots = ::core::option::Option::None;)*
            while let ::core::option::Option::Some(next) =
                ::refluxo::__private::next_argument::<Self, A>(&mut fields)?
            {
                match next {
                    #(#arms)*
                    _ => {}
                }
            }
            ::core::result::Result::Ok(Self { #(#fields),* })
        }
    }
}

/// The impls that only call the library.
fn delegates(step: &StepFn) -> TokenStream {
    let ident = &step.ident;
    let generics = storable_generics(step);
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let params = &generics.params;
    quote_hidden! {
        impl #impl_generics ::refluxo::__private::serde::Serialize for #ident #type_generics #where_clause {
            fn serialize<S: ::refluxo::__private::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                ::refluxo::__private::write_call(self, serializer)
            }
        }

        impl<'de, #params> ::refluxo::__private::serde::Deserialize<'de> for #ident #type_generics #where_clause {
            fn deserialize<D: ::refluxo::__private::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                ::refluxo::__private::read_call(deserializer)
            }
        }

        impl #impl_generics ::core::fmt::Debug for #ident #type_generics #where_clause {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::refluxo::__private::show_call(self, f)
            }
        }
    }
}

/// A call can be cloned if its arguments can.
///
/// `for<'any>` makes rustc look at the bound where the call is cloned: a plain bound that does not hold is an error at the impl.
fn clone(step: &StepFn) -> TokenStream {
    let ident = &step.ident;
    let mut generics = step.generics.clone();
    for ty in step.arguments().map(Argument::stored_type) {
        generics.make_where_clause().predicates.push(parse_quote!(for<'any> #ty: ::core::clone::Clone));
    }
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let fields = step.arguments().map(|argument| {
        let field = &argument.ident;
        quote_hidden!(#field: ::core::clone::Clone::clone(&self.#field))
    });
    let marker = step.has_marker().then(|| quote_hidden!(__marker: ::core::marker::PhantomData));
    let fields = fields.chain(marker);
    quote_hidden! {
        impl #impl_generics ::core::clone::Clone for #ident #type_generics #where_clause {
            fn clone(&self) -> Self {
                Self { #(#fields),* }
            }
        }
    }
}

/// The argument's name in JSON.
fn json_name(argument: &Argument) -> String {
    argument.ident.unraw().to_string()
}
