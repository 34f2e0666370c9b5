//! The routes and actions of `referral`, in process, against a real DynamoDB API.

mod access;
mod answers;
mod click;
mod codes;
mod confirm;
mod cost;
mod delete;
mod law;
mod limits;
mod lists;
mod people;
mod races;
mod recount;
mod retention;
mod totals;
