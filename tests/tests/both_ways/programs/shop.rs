//! A shop's workflows.

use std::{collections::BTreeMap, time::Duration};

use super::prelude::*;

#[workflow]
async fn checkout(order: Order) -> Result<String, ShopError> {
    let mut held = Vec::new();
    for item in &order.items {
        let reservation = reserve(&item.sku, item.qty).await?;
        held.push(reservation);
    }
    if order.total > 50 {
        let approval = signal::<Approval>().await;
        if !approval.granted {
            for reservation in held {
                release(reservation).await;
            }
            return Err(ShopError::Refused(approval.by));
        }
    }
    let receipt = charge(&order.id, order.total).await?;
    let parcel = ship(&order.customer.address, held).await?;
    sleep(Duration::from_secs(86_400)).await;
    log(&format!("ask {} for a review", order.customer.name)).await;
    Ok(format!("{}: {} for {}", receipt.order, parcel, receipt.amount))
}

#[workflow]
async fn checkout_that_gives_back_by_hand(order: Order) -> Result<u64, ShopError> {
    let mut held: Vec<Reservation> = Vec::new();
    for item in &order.items {
        match reserve(&item.sku, item.qty).await {
            Ok(reservation) => held.push(reservation),
            Err(error) => {
                while let Some(reservation) = held.pop() {
                    release(reservation).await;
                }
                return Err(error);
            }
        }
    }
    let receipt = match charge(&order.id, order.total).await {
        Ok(receipt) => receipt,
        Err(BankError { code: 402 }) => charge(&order.id, order.total / 2).await?,
        Err(other) => return Err(other.into()),
    };
    Ok(receipt.amount)
}

#[workflow]
async fn price_with_discounts(order: Order) -> u64 {
    let mut total = 0;
    for item in &order.items {
        total += price(item).await;
    }
    if let Some(coupon) = &order.coupon {
        let off = number(coupon.percent).await;
        total -= total * off / 100;
        log(&coupon.code).await;
    }
    match &order.kind {
        Kind::Gift { wrap: true, .. } => total += number(5).await,
        Kind::Bulk(n, _) if *n > 10 => total = total * 9 / 10,
        _ => {}
    }
    if order.customer.vip { total.saturating_sub(10) } else { total }
}

#[workflow]
async fn inventory_in_batches(order: Order) -> BTreeMap<String, u32> {
    let mut left = BTreeMap::new();
    for (i, item) in order.items.iter().enumerate() {
        let there = steps::inventory::count(&item.sku).await;
        let taken = there.min(item.qty);
        left.insert(item.sku.clone(), steps::inventory::take(item.sku.clone(), taken).await);
        if i % 2 == 1 {
            sleep(Duration::from_millis(100)).await;
        }
    }
    left
}

#[workflow]
async fn invoice(order: Order) -> Result<String, ShopError> {
    if order.items.is_empty() {
        return Err(ShopError::Empty);
    }
    let mut lines = vec![format!("Invoice {}", order.id)];
    let mut total = 0;
    for (n, Item { sku, qty, price: each }) in order.items.iter().enumerate() {
        let name = upper(sku).await;
        let cost = each * u64::from(*qty);
        total += cost;
        lines.push(format!("{:>2}. {name:<8} {qty} × {each} = {cost}", n + 1));
    }
    let tax = divide(total * 21, 100).await?;
    lines.push(format!("Total {total} + {tax}"));
    let text = lines.join("\n");
    log(&text).await;
    Ok(text)
}

#[workflow]
async fn refund(order: Order, reasons: Vec<String>) -> Result<u64, ShopError> {
    let mut refunded = 0;
    'items: for item in order.items {
        for reason in &reasons {
            if reason.ends_with(&item.sku) {
                refunded += price(&item).await;
                log(reason).await;
                continue 'items;
            }
        }
        tick().await;
    }
    if refunded > 0 {
        refunded = transfer("shop", &order.customer.name, refunded).await?;
    }
    Ok(refunded)
}

#[workflow]
async fn split_shipment(order: Order) -> Result<Vec<String>, ShopError> {
    let Order { items, customer, .. } = order;
    let (heavy, light): (Vec<_>, Vec<_>) = items.into_iter().partition(|item| item.qty > 1);
    let mut shipped = Vec::new();
    for group in [heavy, light] {
        let mut held = Vec::new();
        for item in group {
            held.push(reserve(&item.sku, item.qty).await?);
        }
        shipped.push(ship(&customer.address, held).await?);
    }
    Ok(shipped)
}

#[workflow]
async fn pay_in_instalments(order: Order, count: u64) -> Result<Vec<u64>, ShopError> {
    let each = divide(order.total, count).await?;
    let mut rest = order.total;
    let mut paid = vec![];
    while rest > 0 {
        let due = rest.min(each);
        let Payment { amount } = signal::<Payment>().await;
        if amount < due {
            return Err(ShopError::Refused(format!("{amount} is less than {due}")));
        }
        paid.push(charge(&order.id, due).await?.amount);
        rest -= due;
        sleep(Duration::from_secs(30 * 86_400)).await;
    }
    Ok(paid)
}

#[workflow]
async fn gift_messages(orders: Vec<Order>) -> Vec<String> {
    let mut cards = Vec::new();
    for order in orders {
        let name = order.customer.name;
        let Kind::Gift { message, .. } = order.kind else { continue };
        let message = if message.is_empty() { say(format!("from {name}")).await } else { message };
        cards.push(join(&name, &message).await);
    }
    cards
}

fn gift(message: &str, wrap: bool) -> Kind {
    Kind::Gift { message: message.to_string(), wrap }
}

fn approval(granted: bool) -> Approval {
    Approval { by: "eve".to_string(), granted }
}

fn with_missing(mut order: Order) -> Order {
    order.items.push(item("x-ray", 1, 1));
    order
}

cases! {
    checkout(order("small", 2));
    checkout(order("large", 4)) with [approval(true)];
    checkout(order("large", 4)) with [approval(false)];
    checkout(order("empty", 0));
    checkout(with_missing(order("missing", 2)));
    checkout_that_gives_back_by_hand(order("a", 3));
    checkout_that_gives_back_by_hand(order("large", 17));
    checkout_that_gives_back_by_hand(with_missing(order("missing", 2)));
    price_with_discounts(order("a", 3));
    price_with_discounts(order("b", 3).with_coupon("off", 20).with_kind(gift("hi", true)));
    price_with_discounts(order("c", 3).with_kind(Kind::Bulk(11, vec![])));
    inventory_in_batches(order("a", 4));
    invoice(order("a", 3));
    invoice(order("a", 0));
    refund(order("a", 3), words("broken-sku-2 late-sku-3"));
    refund(order("a", 2), vec![]);
    split_shipment(order("a", 3));
    split_shipment(order("a", 1));
    pay_in_instalments(order("a", 3), 2) with [Payment { amount: 30 }, Payment { amount: 30 }];
    pay_in_instalments(order("a", 3), 2) with [Payment { amount: 30 }, Payment { amount: 1 }];
    pay_in_instalments(order("a", 3), 0);
    gift_messages(vec![order("a", 0), order("b", 0).with_kind(gift("hi", false)), order("c", 0).with_kind(gift("", true))]);
}
