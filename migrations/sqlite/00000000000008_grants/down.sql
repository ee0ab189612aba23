DROP TABLE paused;
DROP TABLE logins;
DROP TABLE grants;
