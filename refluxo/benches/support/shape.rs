//! Functions of any size, as users write them.

use std::fmt::Write as _;

/// How big a function is.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    /// How many awaits it has.
    pub(crate) awaits: usize,
    /// How many locals live from its first line to its last.
    pub(crate) locals: usize,
}

/// What the function calls: as a workflow steps, else plain functions.
const STEPS: &str = r#"
#![allow(unused, missing_docs)]
use std::collections::BTreeMap;
use refluxo::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order { pub id: String, pub items: Vec<Item>, pub total: u64 }
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Item { pub sku: String, pub count: u64 }
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Receipt { pub by: String, pub amount: u64 }
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Verdict { Fine, Odd(String), Bad { why: String } }
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ShopError { Refused(String) }

#[cfg_attr(feature = "steps", step)]
pub async fn charge(id: &str, amount: u64) -> Result<Receipt, ShopError> { Ok(Receipt { by: id.to_owned(), amount }) }
#[cfg_attr(feature = "steps", step)]
pub async fn reserve(sku: &str, count: u64) -> Result<String, ShopError> { Ok(format!("{count} of {sku}")) }
#[cfg_attr(feature = "steps", step)]
pub async fn inspect(order: Order) -> Result<Verdict, ShopError> { Ok(Verdict::Odd(order.id)) }
#[cfg_attr(feature = "steps", step)]
pub async fn ask(why: String) -> String { why }
#[cfg_attr(feature = "steps", step)]
pub async fn count(so_far: u64) -> Result<u64, ShopError> { Ok(so_far + 1) }
#[cfg_attr(feature = "steps", step)]
pub async fn notify(to: String, text: String) -> Result<(), ShopError> { Err(ShopError::Refused(to + &text)) }
"#;

/// Uses the result, so that all of it is compiled.
const USES: &str = "
#[cfg(feature = \"workflow\")]
pub fn register(builder: refluxo::engine::EngineBuilder) -> refluxo::engine::EngineBuilder {
    builder.register::<Sell>()
}

#[cfg(not(feature = \"workflow\"))]
pub fn run(order: Order) -> std::pin::Pin<Box<dyn Future<Output = Result<String, ShopError>> + Send>> {
    Box::pin(sell(order))
}
";

/// Pieces of code with one await each (a match has two), in turns. `{i}` is the number of the piece.
const PIECES: [&str; 10] = [
    "let receipt = charge(&order.id, {i}).await?;\n let spent = receipt.amount;\n {use_number}",
    "for item in &order.items { let text = reserve(&item.sku, item.count).await?; {use_text} }",
    "if spent > {i} { let text = ask(format!(\"more than {i} for {}\", order.id)).await; {use_text} }",
    "match inspect(order.clone()).await? {\n Verdict::Fine => {}\n Verdict::Odd(text) => { {use_text} }\n \
     Verdict::Bad { why } => return Err(ShopError::Refused(why)),\n }",
    "let mut tries = 0;\n while tries < 3 { tries = count(tries).await?; }\n let spent = tries;\n {use_number}",
    "notify(order.id.clone(), \"piece {i}\".to_owned()).await?;",
    "let text = reserve(\"apples\", {i}).await?;\n {use_text}",
    "if let Some(first) = order.items.first() { let spent = charge(&first.sku, first.count).await?.amount; {use_number} } \
     else { let text = \"nothing\".to_owned(); {use_text} }",
    "let spent = count({i}).await? + order.total;\n {use_number}",
    "let text = match ask(\"why\".to_owned()).await { answer if answer.is_empty() => continue_with(), answer => answer };\n \
     {use_text}",
];

impl Shape {
    /// The whole program.
    pub(crate) fn program(self) -> String {
        let mut code = format!("{STEPS}{USES}fn continue_with() -> String {{ \"so\".to_owned() }}\n\n");
        code += "#[cfg_attr(feature = \"workflow\", workflow)]\n";
        code += "pub async fn sell(order: Order) -> Result<String, ShopError> {\n";
        for local in 0..self.locals {
            code += &declaration(local);
        }
        for await_ in 0..self.awaits {
            code += &self.piece(await_);
        }
        code += "let mut summary = order.id.clone();\n";
        for local in 0..self.locals {
            let _ = writeln!(code, "summary += &format!(\" {{:?}}\", local_{local});");
        }
        code + "Ok(summary)\n}\n"
    }

    fn piece(self, number: usize) -> String {
        // Each piece uses two of the locals, other ones each time it comes round.
        let turn = number + number / PIECES.len();
        let pick = |kinds: [usize; 2]| {
            let of_kind: Vec<usize> = (0..self.locals).filter(|local| kinds.contains(&(local % 5))).collect();
            of_kind[turn % of_kind.len()]
        };
        let code = PIECES[number % PIECES.len()]
            .replace("{use_number}", &use_number(pick([1, 2])))
            .replace("{use_text}", &use_text(pick([0, 3])))
            .replace("{i}", &number.to_string());
        code + "\n"
    }
}

/// A local that lives to the end; three kinds of five have no type.
fn declaration(local: usize) -> String {
    let value = match local % 5 {
        0 => "let mut {} = Vec::new();",
        1 => "let mut {}: BTreeMap<String, u64> = BTreeMap::new();",
        2 => "let mut {}: u64 = 0;",
        3 => "let mut {} = None;",
        _ => "let {} = format!(\"{}-label\", order.id);",
    };
    value.replacen("{}", &format!("local_{local}"), 1) + "\n"
}

fn use_number(local: usize) -> String {
    match local % 5 {
        1 => format!("*local_{local}.entry(order.id.clone()).or_default() += spent;"),
        _ => format!("local_{local} += spent;"),
    }
}

fn use_text(local: usize) -> String {
    match local % 5 {
        0 => format!("local_{local}.push(text);"),
        _ => format!("local_{local} = Some(text);"),
    }
}
