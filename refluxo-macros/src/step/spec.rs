//! How the step is run: what its options say, as a constant.

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::{StepFn, retry::Retry};

// Input:
//   #[step(retry(attempts = 5, if = ShopError::is_transient), timeout = "10s")]
//   async fn charge(order: Order) -> Result<Receipt, ShopError> { … }
// Output:
//   fn spec(&self) -> &'static StepSpec {
//       const {
//           &StepSpec {
//               retry: Retry { attempts: 5, ..Retry::DEFAULT },
//               timeout: Some(StepTimeout { after: 10s, outcome: timed_out::<Result<Receipt, ShopError>> }),
//               concurrency: None,
//               transaction: false,
//               judge: |outcome| judged::<Result<Receipt, ShopError>, _>(outcome, ShopError::is_transient, |output| …),
//           }
//       }
//   }
pub(super) fn spec(step: &StepFn, output: &TokenStream) -> TokenStream {
    let options = &step.options;
    let retry = options.retry.as_ref().map_or_else(|| quote!(::refluxo::__private::Retry::NONE), retry);
    let timeout = optional(options.timeout.map(|after| {
        let (after, span) = (duration(after), output.span());
        quote_spanned! {span=>
            ::refluxo::__private::StepTimeout { after: #after, outcome: ::refluxo::__private::timed_out::<#output> }
        }
    }));
    let concurrency = optional(options.concurrency.map(|limit| quote!(#limit)));
    let transaction = options.transaction.is_some();
    let judge = judge(step, output);
    quote_hidden! {
        fn spec(&self) -> &'static ::refluxo::__private::StepSpec {
            const {
                &::refluxo::__private::StepSpec {
                    retry: #retry,
                    timeout: #timeout,
                    concurrency: #concurrency,
                    transaction: #transaction,
                    judge: #judge,
                }
            }
        }
    }
}

/// Which outcomes are failures, and which of these are worth another attempt.
fn judge(step: &StepFn, output: &TokenStream) -> TokenStream {
    if let Some(predicate) = step.options.retry.as_ref().and_then(|retry| retry.predicate.as_ref()) {
        let words = words();
        let words = quote_hidden!(|output| { #words });
        return quote_spanned! {output.span()=>
            |outcome| ::refluxo::__private::judged::<#output, _>(outcome, #predicate, #words)
        };
    }
    let words = words();
    quote_hidden! {
        |outcome| {
            #[allow(unused_imports)]
            use ::refluxo::__private::NeverFails as _;
            match outcome.get::<#output>() {
                ::core::option::Option::Some(output) if ::refluxo::__private::Verdict(output).failed() => {
                    ::refluxo::__private::Judged::Failed { again: true, words: { #words } }
                }
                _ => ::refluxo::__private::Judged::Good,
            }
        }
    }
}

/// What the error in `output` says, as far as its type can say something.
fn words() -> TokenStream {
    quote_hidden! {
        #[allow(unused_imports)]
        use ::refluxo::__private::{NoWords as _, ShownWords as _};
        (&::refluxo::__private::Verdict(output)).words()
    }
}

/// `Retry { attempts: 5, ..Retry::DEFAULT }`
fn retry(retry: &Retry) -> TokenStream {
    let Retry { attempts, backoff, initial, max, jitter, total, predicate: _ } = retry;
    let attempts = attempts.map(|attempts| quote!(attempts: #attempts,));
    let backoff = backoff.map(|backoff| quote!(backoff: ::refluxo::__private::Backoff::#backoff,));
    let field = |name: TokenStream, pause: &Option<Duration>| {
        pause.map(|pause| {
            let pause = duration(pause);
            quote!(#name: #pause,)
        })
    };
    let (initial, max) = (field(quote!(initial), initial), field(quote!(max), max));
    let jitter = jitter.map(|jitter| quote!(jitter: #jitter,));
    let total = total.map(|total| {
        let total = optional(Some(duration(total)));
        quote!(total: #total,)
    });
    quote! {
        ::refluxo::__private::Retry {
            #attempts #backoff #initial #max #jitter #total
            ..::refluxo::__private::Retry::DEFAULT
        }
    }
}

fn optional(value: Option<TokenStream>) -> TokenStream {
    value.map_or_else(
        || quote!(::core::option::Option::None),
        |value| quote!(::core::option::Option::Some(#value)),
    )
}

/// A duration of whole milliseconds.
fn duration(duration: Duration) -> TokenStream {
    let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
    quote!(::core::time::Duration::new(#seconds, #nanos))
}
