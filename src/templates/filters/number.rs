//! Arithmetic: whole numbers are exact or an error, never wrapped or rounded.

use serde_json::{Number, Value};

use super::{
    Answer, Filter, FilterError, Given,
    list::{asked, elements, name_of},
    refused,
};

pub(super) const FILTERS: &[Filter] = &[
    Filter { name: "abs", least: 0, most: 0, named: &[], run: |g| one(&g, i128::checked_abs, f64::abs) },
    Filter {
        name: "at_least",
        least: 1,
        most: 1,
        named: &[],
        run: |g| two(&g, |a, b| Ok(a.max(b)), |a, b| Ok(a.max(b))),
    },
    Filter {
        name: "at_most",
        least: 1,
        most: 1,
        named: &[],
        run: |g| two(&g, |a, b| Ok(a.min(b)), |a, b| Ok(a.min(b))),
    },
    Filter { name: "ceil", least: 0, most: 0, named: &[], run: |g| to_whole(&g, f64::ceil) },
    Filter { name: "divided_by", least: 1, most: 1, named: &[], run: |g| two(&g, divided, divided_fraction) },
    Filter { name: "floor", least: 0, most: 0, named: &[], run: |g| to_whole(&g, f64::floor) },
    Filter {
        name: "minus",
        least: 1,
        most: 1,
        named: &[],
        run: |g| two(&g, |a, b| fits(a.checked_sub(b)), |a, b| Ok(short(a - b))),
    },
    Filter { name: "modulo", least: 1, most: 1, named: &[], run: |g| two(&g, modulo, modulo_fraction) },
    Filter {
        name: "plus",
        least: 1,
        most: 1,
        named: &[],
        run: |g| two(&g, |a, b| fits(a.checked_add(b)), |a, b| Ok(short(a + b))),
    },
    Filter { name: "round", least: 0, most: 1, named: &[], run: round },
    Filter { name: "sum", least: 0, most: 1, named: &[], run: sum },
    Filter {
        name: "times",
        least: 1,
        most: 1,
        named: &[],
        run: |g| two(&g, |a, b| fits(a.checked_mul(b)), |a, b| Ok(short(a * b))),
    },
];

/// A number on its way through arithmetic. Two integers of 64 bits fit the wider one, whatever is done with them once.
#[derive(Debug, Clone, Copy)]
enum Figure {
    Whole(i128),
    Fraction(f64),
}

#[expect(clippy::cast_precision_loss, reason = "mixed arithmetic is done in fractions, as everywhere")]
impl Figure {
    fn fraction(self) -> f64 {
        match self {
            Self::Whole(number) => number as f64,
            Self::Fraction(number) => number,
        }
    }
}

impl Given<'_> {
    /// A number, or a text that is one; null counts nothing. What is none counts nothing either in a lenient render.
    fn figure(&self, value: &Value) -> Result<Figure, FilterError> {
        figure(value).or_else(|error| if self.lenient { Ok(Figure::Whole(0)) } else { Err(error) })
    }
}

fn figure(value: &Value) -> Result<Figure, FilterError> {
    match value {
        Value::Null => Ok(Figure::Whole(0)),
        Value::Number(number) => Ok(read(number)),
        Value::String(text) => {
            let text = text.trim();
            let whole = text.parse::<i64>().map(i128::from).or_else(|_| text.parse::<u64>().map(i128::from));
            if let Ok(whole) = whole {
                return Ok(Figure::Whole(whole));
            }
            let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
            let fraction = text.parse::<f64>().ok().filter(|fraction| is_plain && fraction.is_finite());
            fraction.map(Figure::Fraction).ok_or_else(|| refused("a number is wanted, and this text is none"))
        }
        other => Err(refused(format!("a number is wanted, not a {}", crate::value::type_name(other)))),
    }
}

fn read(number: &Number) -> Figure {
    match (number.as_i64(), number.as_u64()) {
        (Some(whole), _) => Figure::Whole(whole.into()),
        (None, Some(whole)) => Figure::Whole(whole.into()),
        (None, None) => Figure::Fraction(number.as_f64().unwrap_or(0.0)),
    }
}

fn give(figure: Figure) -> Answer {
    match figure {
        Figure::Whole(number) => {
            let small = i64::try_from(number).map(Value::from);
            small.or_else(|_| u64::try_from(number).map(Value::from)).map_err(|_| too_large())
        }
        Figure::Fraction(number) => Number::from_f64(number).map(Value::Number).ok_or_else(too_large),
    }
}

fn too_large() -> FilterError {
    refused("the result is too large for a number")
}

fn fits(number: Option<i128>) -> Result<i128, FilterError> {
    number.ok_or_else(too_large)
}

/// Sums like `0.1 | plus: 0.2` in the 15 digits that a fraction holds for sure, as their writers mean them.
fn short(number: f64) -> f64 {
    format!("{number:.14e}").parse().unwrap_or(number)
}

fn one(given: &Given<'_>, whole: fn(i128) -> Option<i128>, fraction: fn(f64) -> f64) -> Answer {
    match given.figure(&given.input)? {
        Figure::Whole(number) => give(Figure::Whole(fits(whole(number))?)),
        Figure::Fraction(number) => give(Figure::Fraction(fraction(number))),
    }
}

fn two(
    given: &Given<'_>,
    whole: fn(i128, i128) -> Result<i128, FilterError>,
    fraction: fn(f64, f64) -> Result<f64, FilterError>,
) -> Answer {
    let right = given.arguments.first().unwrap_or(&Value::Null);
    match (given.figure(&given.input)?, given.figure(right)?) {
        (Figure::Whole(left), Figure::Whole(right)) => give(Figure::Whole(whole(left, right)?)),
        (left, right) => give(Figure::Fraction(fraction(left.fraction(), right.fraction())?)),
    }
}

/// Whole numbers divide downwards: `-7` by `2` is `-4`.
fn divided(left: i128, right: i128) -> Result<i128, FilterError> {
    if right == 0 {
        return Err(refused("divided by zero"));
    }
    let (quotient, rest) = (left / right, left % right);
    Ok(if rest != 0 && (rest < 0) != (right < 0) { quotient - 1 } else { quotient })
}

fn divided_fraction(left: f64, right: f64) -> Result<f64, FilterError> {
    if right == 0.0 { Err(refused("divided by zero")) } else { Ok(left / right) }
}

/// The rest has the sign of the divisor.
fn modulo(left: i128, right: i128) -> Result<i128, FilterError> {
    if right == 0 {
        return Err(refused("divided by zero"));
    }
    let rest = left % right;
    Ok(if rest != 0 && (rest < 0) != (right < 0) { rest + right } else { rest })
}

fn modulo_fraction(left: f64, right: f64) -> Result<f64, FilterError> {
    if right == 0.0 {
        return Err(refused("divided by zero"));
    }
    let rest = left % right;
    Ok(short(if rest != 0.0 && (rest < 0.0) != (right < 0.0) { rest + right } else { rest }))
}

fn to_whole(given: &Given<'_>, cut: fn(f64) -> f64) -> Answer {
    match given.figure(&given.input)? {
        Figure::Whole(number) => give(Figure::Whole(number)),
        Figure::Fraction(number) => give(Figure::Whole(exact(cut(number))?)),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
fn exact(number: f64) -> Result<i128, FilterError> {
    /// Above every integer that a number holds.
    const BEYOND: f64 = 1e20;
    if number.abs() < BEYOND { Ok(number as i128) } else { Err(too_large()) }
}

fn round(given: Given<'_>) -> Answer {
    /// More decimals than a fraction has.
    const MOST: i64 = 15;
    let decimals = match given.arguments.first() {
        None => 0,
        Some(value) => match crate::templates::evaluate::whole(value) {
            None if !given.lenient => return Err(refused("decimals must be a whole number")),
            decimals => decimals.unwrap_or(0),
        },
    };
    let number = match given.figure(&given.input)? {
        whole @ Figure::Whole(_) if decimals >= 0 => return give(whole),
        Figure::Whole(number) => return give(Figure::Whole(to_tens(number, decimals))),
        Figure::Fraction(number) if decimals > 0 => number,
        Figure::Fraction(number) => return give(Figure::Whole(to_tens(exact(number.round())?, decimals))),
    };
    let decimals = usize::try_from(decimals.min(MOST)).unwrap_or(0);
    // Through text, since a power of ten is no exact fraction; half goes away from zero, as `f64::round` has it.
    let scaled = short(number * 10_f64.powi(i32::try_from(decimals).unwrap_or(0))).round();
    let rounded = format!("{scaled:.0}e-{decimals}").parse().unwrap_or(number);
    give(Figure::Fraction(rounded))
}

/// Rounded to tens, hundreds and so on: as many as there are negative decimals.
fn to_tens(number: i128, decimals: i64) -> i128 {
    /// No number of 64 bits has more digits.
    const MOST: u32 = 20;
    let ten = 10_i128.pow(u32::try_from(decimals.unsigned_abs()).unwrap_or(MOST).min(MOST));
    if decimals == 0 { number } else { (number.abs() + ten / 2) / ten * ten * number.signum() }
}

fn sum(mut given: Given<'_>) -> Answer {
    let property = name_of(&given)?;
    if property.is_none() && !given.input.is_array() {
        return give(given.figure(&given.input)?);
    }
    let mut total = Figure::Whole(0);
    for element in elements(std::mem::take(&mut given.input)) {
        let Some(element) = asked(&given, element, property.as_deref())? else { return Ok(Value::Null) };
        total = match (total, given.figure(&element)?) {
            (Figure::Whole(total), Figure::Whole(next)) => Figure::Whole(fits(total.checked_add(next))?),
            (total, next) => Figure::Fraction(short(total.fraction() + next.fraction())),
        };
    }
    give(total)
}
