//! What the passes make of workflows that are small enough to read.
//!
//! The expected texts are in `golden/`; `REFLUXO_BLESS=1 cargo test -p refluxo-macros` writes them anew.

use std::{env, fs, path::Path};

use proc_macro2::TokenStream;
use quote::quote;
use syn::{File, Item};

use super::{Source, analyse, workflow};
use crate::{desugar, diag::Errors, dump, ir::Program, layout::Layout, liveness::Liveness, parse};

/// The passes of a workflow up to the layout.
fn analysed(item: TokenStream) -> (Program, Liveness, Layout) {
    let errors = Errors::new();
    let mut parsed = parse::workflow(&errors, TokenStream::new(), item).unwrap();
    desugar::desugar(&errors, &mut parsed.function.block);
    let analysed = analyse(&errors, &Source::of(&parsed));
    assert_eq!(errors.finish().to_string(), "");
    analysed
}

/// Compares a text with the one in `golden/`.
fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name);
    if env::var_os("REFLUXO_BLESS").is_some() {
        fs::write(&path, text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{name} differs: read it, and bless it if it is right");
}

/// A loop over a place with a suspension in a branch.
fn reservations() -> TokenStream {
    quote! {
        async fn reservations(order: Order) -> Result<Vec<Held>, ShopError> {
            let mut held = Vec::new();
            for item in &order.items {
                if item.qty > 0 {
                    let got = reserve(&item.sku).await?;
                    held.push((item.sku.clone(), got));
                }
            }
            Ok(held)
        }
    }
}

#[test]
fn a_loop_with_an_await_in_a_branch_becomes_blocks() {
    let (program, liveness, layout) = analysed(reservations());
    golden("reservations.graph.txt", &dump::graph(&program, &layout));
    golden("reservations.blocks.txt", &dump::blocks(&program, &liveness));
}

#[test]
fn a_state_saves_what_is_live_after_its_call_and_no_borrow() {
    let (program, _, layout) = analysed(reservations());
    golden("reservations.states.txt", &dump::states(&program, &layout));
}

#[test]
fn operands_before_an_await_are_kept_and_places_are_not() {
    let (program, liveness, _) = analysed(quote! {
        async fn operands(n: u64, order: Order) -> u64 {
            total(double(n), &order.lines, fetch(&order.id).await, || 3) + add(n).await
        }
    });
    golden("operands.blocks.txt", &dump::blocks(&program, &liveness));
}

#[test]
fn a_local_that_is_moved_by_parts_is_saved_by_parts() {
    let (program, _, layout) = analysed(quote! {
        async fn parts(order: Order) {
            ship(order.items).await;
            bill(order.customer.name).await;
            note(&order.id).await;
        }
    });
    golden("parts.states.txt", &dump::states(&program, &layout));
}

#[test]
fn shadowed_locals_that_are_both_saved_have_fields_of_their_own() {
    let (program, _, layout) = analysed(quote! {
        async fn shadowed() -> u64 {
            let x = first().await;
            {
                let x = second(x).await;
                third(x).await;
                log(x).await;
            }
            x
        }
    });
    golden("shadowed.states.txt", &dump::states(&program, &layout));
}

/// The dispatch function in the expansion of a workflow.
fn dispatch(item: TokenStream) -> String {
    function("_dispatch", item)
}

/// The function in the expansion of a workflow whose name ends so.
fn function(suffix: &str, item: TokenStream) -> String {
    let file: File = syn::parse2(workflow(TokenStream::new(), item)).unwrap();
    let hidden = file.items.into_iter().find_map(|item| match item {
        Item::Const(hidden) => Some(hidden.expr),
        _ => None,
    });
    let body: TokenStream = syn::parse2::<proc_macro2::Group>(quote!(#hidden)).unwrap().stream();
    let dispatch = syn::parse2::<File>(body).unwrap().items.into_iter().filter(|item| match item {
        Item::Fn(function) => function.sig.ident.to_string().ends_with(suffix),
        _ => false,
    });
    let file = File { shebang: None, frontmatter: None, attrs: Vec::new(), items: dispatch.collect() };
    prettyplease::unparse(&file).replace("::refluxo::__private::", "")
}

#[test]
fn the_dispatch_function_of_one_await_reads_as_in_the_docs() {
    let dispatch = dispatch(quote! {
        async fn pay(order: Order) -> Result<Receipt, ShopError> {
            let receipt = charge(order.clone()).await?;
            Ok(receipt)
        }
    });
    golden("pay.dispatch.txt", &dispatch);
}

/// A block with a loop and a `?` beside a call.
fn gather() -> TokenStream {
    quote! {
        async fn gather(order: Order, limit: u32) -> Result<u32, ShopError> {
            let (held, mail) = join!(
                async move {
                    let mut held = Vec::new();
                    for item in &order.items {
                        held.push(reserve(&item.sku).await?);
                    }
                    Ok::<_, ShopError>(held)
                },
                send_mail(order.customer).timeout(day),
            );
            mail?;
            Ok(held?.len() + limit)
        }
    }
}

#[test]
fn a_block_of_a_join_has_blocks_and_states_of_its_own() {
    let (program, liveness, layout) = analysed(gather());
    golden("gather.graph.txt", &dump::graph(&program, &layout));
    golden("gather.blocks.txt", &dump::blocks(&program, &liveness));
    golden("gather.states.txt", &dump::states(&program, &layout));
}

#[test]
fn the_blocks_of_a_branch_are_an_arm_around_it() {
    golden("gather.dispatch.txt", &dispatch(gather()));
}

#[test]
fn the_same_tokens_give_the_same_expansion() {
    let programs: [fn() -> TokenStream; 4] = [reservations, gather, parcel, ask];
    for program in programs {
        // Each thread has other seeds for its maps of random order.
        let expand = move || workflow(TokenStream::new(), program()).to_string();
        let expansions = [(); 4].map(|()| std::thread::spawn(expand).join().unwrap());
        assert!(expansions.iter().all(|expansion| *expansion == expansions[0]));
    }
}

/// A join of a call whose argument awaits and of one that is limited.
fn parcel() -> TokenStream {
    quote! {
        async fn parcel(order: Order) -> Result<Receipt, ShopError> {
            let (mailed, shipped) = join!(mail(&order.id), ship(pack(&order).await).timeout(DAY));
            mailed?;
            shipped??;
            Ok(order.receipt)
        }
    }
}

#[test]
fn a_join_is_one_state_whose_calls_are_built_behind_the_awaits_in_their_arguments() {
    let (program, liveness, layout) = analysed(parcel());
    golden("parcel.blocks.txt", &dump::blocks(&program, &liveness));
    golden("parcel.states.txt", &dump::states(&program, &layout));
    golden("parcel.dispatch.txt", &dispatch(parcel()));
}

/// A select in a loop, with a handler that awaits and one that leaves.
fn ask() -> TokenStream {
    quote! {
        async fn ask(by: String) -> Option<Approval> {
            for turn in 0..3 {
                select! {
                    approval = signal::<Approval>() => return Some(approval),
                    () = sleep(DAY) => remind(&by, turn).await,
                }
            }
            None
        }
    }
}

#[test]
fn a_select_is_a_match_over_the_branch_that_won() {
    let (program, liveness, _) = analysed(ask());
    golden("ask.blocks.txt", &dump::blocks(&program, &liveness));
    golden("ask.twin.txt", &function("_twin", ask()));
}

#[test]
fn a_call_that_undoes_is_pushed_where_it_stands() {
    let dispatch = dispatch(quote! {
        async fn hold(sku: String) -> Result<Receipt, ShopError> {
            let held = reserve(&sku).await?;
            compensate!(release(held.clone()));
            charge(held).await
        }
    });
    golden("hold.dispatch.txt", &dispatch);
}
