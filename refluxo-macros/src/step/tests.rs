//! Expansions that are small enough to read.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{File, Item, LitStr};

use super::step;

/// The items of the expansion, with those in `const _: () = { … }` in line.
fn expand(options: TokenStream, item: TokenStream) -> Vec<Item> {
    let file: File = syn::parse2(step(options, item)).unwrap();
    let flat = file.items.into_iter().flat_map(|item| match item {
        Item::Const(hidden) => {
            let block = hidden.expr;
            let body: TokenStream = syn::parse2::<proc_macro2::Group>(quote!(#block)).unwrap().stream();
            syn::parse2::<File>(body).unwrap().items
        }
        item => vec![item],
    });
    flat.collect()
}

/// The items as rustfmt would print them, without the path of the library's private module.
fn pretty(items: impl IntoIterator<Item = Item>) -> String {
    let items = items.into_iter();
    let tokens = quote!(#(#items)*).to_string().replace(":: refluxo :: __private :: ", "");
    prettyplease::unparse(&syn::parse_str(&tokens).unwrap())
}

/// The impl of the trait of this name, as rustfmt would print it.
fn the_impl(name: &str, items: Vec<Item>) -> String {
    let named = |item: &Item| match item {
        Item::Impl(syn::ItemImpl { trait_: Some((path, _)), .. }) => {
            path.segments.last().is_some_and(|last| last.ident == name)
        }
        _ => false,
    };
    pretty(items.into_iter().filter(named))
}

/// The messages of the expansion.
fn messages(options: TokenStream, item: TokenStream) -> Vec<String> {
    let messages = expand(options, item).into_iter().filter_map(|item| match item {
        Item::Macro(item) => Some(item.mac.parse_body::<LitStr>().unwrap().value()),
        _ => None,
    });
    messages.collect()
}

/// A step with a parameter of each kind.
fn charge() -> TokenStream {
    quote! {
        /// Charges.
        pub async fn charge(#[inject] bank: &Bank, #[inject] cx: &StepContext, order: Order, sku: &str) -> Receipt {
            bank.charge(order, sku, cx.idempotency_key()).await
        }
    }
}

#[test]
fn the_public_items_are_a_struct_and_its_constructor() {
    let items = expand(quote!(), charge()).into_iter().take(2);
    let expected = r#"/// Charges.
///
/// A call of the step `charge`, made by the function of the same name.
#[must_use = "a step does nothing unless it is awaited"]
#[allow(
    non_camel_case_types,
    non_snake_case,
    unreachable_pub,
    private_interfaces,
    dead_code
)]
pub struct charge {
    /// The argument `order`.
    pub order: Order,
    /// The argument `sku`.
    pub sku: ::std::string::String,
}
/// Charges.
#[allow(clippy::all, clippy::pedantic, clippy::nursery)]
pub fn charge(order: Order, sku: &str) -> charge {
    charge {
        order: order,
        sku: ::std::borrow::ToOwned::to_owned(sku),
    }
}
"#;
    assert_eq!(pretty(items), expected);
}

#[test]
fn the_body_is_the_users_function_under_a_hidden_name() {
    let items = expand(quote!(), charge()).into_iter().filter(|item| matches!(item, Item::Fn(_))).skip(1);
    let expected = r"#[allow(non_snake_case, clippy::unused_async, clippy::needless_pass_by_value)]
async fn __charge_body(
    bank: &Bank,
    cx: &StepContext,
    order: Order,
    sku: &str,
) -> Receipt {
    bank.charge(order, sku, cx.idempotency_key()).await
}
";
    assert_eq!(pretty(items), expected);
}

#[test]
fn the_arguments_are_written_and_read_one_by_one() {
    let expected = r#"impl Call for charge {
    const NAME: &'static str = "charge-card";
    const ARGUMENTS: &'static [&'static str] = &["order", "sku"];
    fn write<F: serde::ser::SerializeStruct>(
        &self,
        fields: &mut F,
    ) -> ::core::result::Result<(), F::Error> {
        argument::<Order, _>(Write(fields, "order"), &self.order)?;
        argument::<::std::string::String, _>(Write(fields, "sku"), &self.sku)?;
        let _ = fields;
        ::core::result::Result::Ok(())
    }
    fn read<'de, A: serde::de::MapAccess<'de>>(
        mut fields: A,
    ) -> ::core::result::Result<Self, A::Error> {
        let mut argument_0 = ::core::option::Option::None;
        let mut argument_1 = ::core::option::Option::None;
        while let ::core::option::Option::Some(next) = next_argument::<
            Self,
            A,
        >(&mut fields)? {
            match next {
                0usize => {
                    let value = argument::<Order, _>(Read::from(&mut fields), ())?;
                    once(&mut argument_0, value, "order")?;
                }
                1usize => {
                    let value = argument::<
                        ::std::string::String,
                        _,
                    >(Read::from(&mut fields), ())?;
                    once(&mut argument_1, value, "sku")?;
                }
                _ => {}
            }
        }
        ::core::result::Result::Ok(Self {
            order: required(argument_0, "order")?,
            sku: required(argument_1, "sku")?,
        })
    }
}
"#;
    assert_eq!(the_impl("Call", expand(quote!(name = "charge-card"), charge())), expected);
}

#[test]
fn the_task_lends_the_resources_and_the_stored_arguments_to_the_body() {
    let expected = r"impl StepTask for charge
where
    for<'any> Order: ::core::marker::Send,
    for<'any> ::std::string::String: ::core::marker::Send,
    for<'any> Receipt: ::core::marker::Send,
{
    fn name(&self) -> &'static str {
        <Self as Step>::NAME
    }
    fn run(
        self: ::std::boxed::Box<Self>,
        context: StepContext,
        resources: ::std::sync::Arc<Resources>,
    ) -> StepFuture {
        ::std::boxed::Box::pin(async move {
            let call = *self;
            let _ = (&call, &context, &resources);
            Outcome::new(
                __charge_body(resources.get::<Bank>(), &context, call.order, &call.sku)
                    .await,
            )
        })
    }
    fn spec(&self) -> &'static StepSpec {
        const {
            &StepSpec {
                retry: Retry::NONE,
                timeout: ::core::option::Option::None,
                concurrency: ::core::option::Option::None,
                transaction: false,
                judge: |outcome| {
                    #[allow(unused_imports)]
                    use NeverFails as _;
                    match outcome.get::<Receipt>() {
                        ::core::option::Option::Some(
                            output,
                        ) if Verdict(output).failed() => {
                            Judged::Failed {
                                again: true,
                                words: {
                                    #[allow(unused_imports)]
                                    use {NoWords as _, ShownWords as _};
                                    (&Verdict(output)).words()
                                },
                            }
                        }
                        _ => Judged::Good,
                    }
                },
            }
        }
    }
    fn copy(
        &self,
    ) -> ::core::result::Result<::std::boxed::Box<dyn StepTask>, JsonError> {
        copy_call(self).map(|call| ::std::boxed::Box::new(call) as _)
    }
    fn into_any(
        self: ::std::boxed::Box<Self>,
    ) -> ::std::boxed::Box<dyn ::core::any::Any + ::core::marker::Send> {
        self
    }
    fn arguments(
        &self,
        out: &mut ::std::vec::Vec<u8>,
    ) -> ::core::result::Result<(), JsonError> {
        call_json(self, out)
    }
}
";
    assert_eq!(the_impl("StepTask", expand(quote!(), charge())), expected);
}

#[test]
fn what_a_generic_step_needs_is_asked_of_its_type_parameters() {
    let expected = r"impl<T: DeserializeOwned> ::core::future::IntoFuture for fetch<T>
where
    Vec<T>: Argument,
    T: ::core::marker::Send + 'static,
    Vec<T>: ::core::marker::Send + 'static,
    for<'any> ::std::string::String: ::core::marker::Send,
    Result<T, Error>: ::core::marker::Send + 'static,
{
    type Output = Result<T, Error>;
    type IntoFuture = Alone<Result<T, Error>>;
    fn into_future(self) -> Self::IntoFuture {
        run_alone(self)
    }
}
";
    let item = quote!(
        async fn fetch<T: DeserializeOwned>(list: Vec<T>, url: &str) -> Result<T, Error> {
            get(url).await
        }
    );
    assert_eq!(the_impl("IntoFuture", expand(quote!(), item)), expected);
}

#[test]
fn only_a_step_without_resources_runs_alone() {
    assert_eq!(the_impl("IntoFuture", expand(quote!(), charge())), "");
}

#[test]
fn the_same_tokens_give_the_same_expansion() {
    assert_eq!(step(quote!(), charge()).to_string(), step(quote!(), charge()).to_string());
}

#[test]
fn every_mistake_is_told_and_each_once() {
    let item = quote! {
        const fn charge<'a>((a, b): (u8, u8), order: &mut Order, name: Option<&str>, #[inject] bank: Bank) -> impl Sized {}
    };
    let messages = messages(quote!(retries = 3), item);
    assert_eq!(messages.len(), 9, "{messages:#?}");
}
