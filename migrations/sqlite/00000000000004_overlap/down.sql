DROP TABLE earlier_secrets;
