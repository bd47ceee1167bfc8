//! The types that generated programs know, and the fields of those that have some.

/// A type of the generated language: a corner of Rust's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ty {
    /// `u64`.
    Int,
    /// `bool`.
    Flag,
    /// `String`.
    Text,
    /// A struct that can only be moved.
    Ticket,
    Order,
    Item,
    Coupon,
    Kind,
    /// `Vec<T>`.
    List(Box<Ty>),
    /// `Option<T>`.
    Maybe(Box<Ty>),
    /// `(A, B)`.
    Pair(Box<Ty>, Box<Ty>),
}

impl Ty {
    /// `Vec` of this.
    pub(crate) fn list(self) -> Self {
        Self::List(Box::new(self))
    }

    /// `Option` of this.
    pub(crate) fn maybe(self) -> Self {
        Self::Maybe(Box::new(self))
    }

    /// What `pair(n)` returns.
    pub(crate) fn numbered() -> Self {
        Self::Pair(Box::new(Self::Int), Box::new(Self::Text))
    }

    /// Whether reading a place of this type leaves it as it was.
    pub(crate) fn is_copy(&self) -> bool {
        matches!(self, Self::Int | Self::Flag)
    }

    /// Whether `.clone()` can be called.
    pub(crate) fn is_clone(&self) -> bool {
        match self {
            Self::Ticket => false,
            Self::List(inner) | Self::Maybe(inner) => inner.is_clone(),
            Self::Pair(a, b) => a.is_clone() && b.is_clone(),
            _ => true,
        }
    }

    /// The paths below a value of this type, with their types.
    pub(crate) fn fields(&self) -> Vec<(&'static str, Ty)> {
        match self {
            Self::Order => vec![
                ("id", Ty::Text),
                ("customer.name", Ty::Text),
                ("customer.address.city", Ty::Text),
                ("customer.vip", Ty::Flag),
                ("items", Ty::Item.list()),
                ("kind", Ty::Kind),
                ("coupon", Ty::Coupon.maybe()),
                ("total", Ty::Int),
            ],
            Self::Item => vec![("sku", Ty::Text), ("price", Ty::Int)],
            Self::Coupon => vec![("code", Ty::Text), ("percent", Ty::Int)],
            Self::Pair(a, b) => vec![("0", (**a).clone()), ("1", (**b).clone())],
            _ => Vec::new(),
        }
    }

    /// The type as Rust writes it.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Int => "u64".to_owned(),
            Self::Flag => "bool".to_owned(),
            Self::Text => "String".to_owned(),
            Self::List(inner) => format!("Vec<{}>", inner.name()),
            Self::Maybe(inner) => format!("Option<{}>", inner.name()),
            Self::Pair(a, b) => format!("({}, {})", a.name(), b.name()),
            named => format!("{named:?}"),
        }
    }
}

/// What a program returns.
#[derive(Clone, Debug)]
pub(crate) enum Returns {
    /// `()`.
    Nothing,
    /// The value itself.
    Plain(Ty),
    /// `Result<T, ShopError>`.
    Result(Ty),
    /// `Option<T>`.
    Maybe(Ty),
}

impl Returns {
    /// What stands behind the parameters.
    pub(crate) fn arrow(&self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Plain(ty) => format!(" -> {}", ty.name()),
            Self::Result(ty) => format!(" -> Result<{}, ShopError>", ty.name()),
            Self::Maybe(ty) => format!(" -> Option<{}>", ty.name()),
        }
    }
}
